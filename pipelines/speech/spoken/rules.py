"""What the languages share: rules over a text, amounts, and addresses of the Internet."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Address", "Rule", "apply", "grouped", "one_of", "pairs", "rule", "whole"]

Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]
"""What is written, and how it is said; ``\\s`` takes the spaces of typography as well."""


def rule(written: str, said: str | Callable[[re.Match[str]], str]) -> Rule:
    return re.compile(written), said


def one_of(words: Mapping[str, str], *, before: str = "", after: str = "") -> Rule:
    """All of `words` (patterns without groups, and what they become) in one pass."""
    found = list(words.values())
    pattern = "|".join(f"({written})" for written in words)
    return re.compile(rf"{before}(?:{pattern}){after}"), lambda match: found[
        (match.lastindex or 1) - 1
    ]


_DIGIT = re.compile(r"\d")
_COUNTRIES = "be|ca|ch|ci|cm|cd|cg|de|es|eu|fr|ga|gq|io|it|lu|ma|ml|ne|pt|sn|td|tg|tn|uk|us"
_NAMES = "com|org|net|info|app|bank|gouv|gov|edu"
_HOST = rf"(?:[\w-]+\.)+(?:{_COUNTRIES}|{_NAMES})\b"


def apply(numbers: Sequence[Rule], words: Sequence[Rule], text: str) -> str:
    """`text` after every rule in turn; those of `numbers` where there is a digit."""
    for pattern, said in (*numbers, *words) if _DIGIT.search(text) else words:
        text = pattern.sub(said, text)
    return text


def whole(amount: str) -> int:
    """A whole number, without what groups its digits."""
    return int(re.sub(r"\D", "", amount))


def pairs(digits: str) -> str:
    """Digits two by two, with a breath between: ``06, 12, 34``; the first stands alone if odd."""
    odd = len(digits) % 2
    found = [digits[:odd], *(digits[at : at + 2] for at in range(odd, len(digits), 2))]
    return ", ".join(pair for pair in found if pair)


def grouped(written: str) -> str:
    """Digits one by one, a breath where the written number has a space."""
    return ", ".join(" ".join(group) for group in re.findall(r"\d+", written))


@dataclass(frozen=True, slots=True)
class Address:
    """How mail and web addresses are read in a language."""

    signs: Mapping[str, str]

    def rules(self) -> tuple[Rule, ...]:
        return (
            rule(rf"(?i)[\w.+-]+@{_HOST}", self._read),
            rule(rf"(?i)(?:https?://|\b)(?P<rest>{_HOST}(?:/[\w./-]*\w)?)", self._read),
        )

    def _read(self, match: re.Match[str]) -> str:
        text = match.groupdict().get("rest") or match[0]
        text = re.sub(rf"\.({_COUNTRIES})\b", lambda m: "." + ".".join(m[1].upper()) + ".", text)
        text = re.sub(r"(?<=\.[A-Z])\.(?=[A-Z]\.)", " ", text)  # a country's letters one by one
        text = re.sub(r"(?<=\.[A-Z] [A-Z])\.", "", text)
        for sign, said in self.signs.items():
            text = text.replace(sign, f" {said} ")
        return " ".join(text.split())
