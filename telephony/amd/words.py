"""First words: phrases that tell who speaks, found in what a recogniser understood.

The phrases are tables, one for each language (``words/fr.yaml``). A recogniser's mistakes cost a
phrase and no more: each stands for itself.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from engine.errors import ConfigurationError
from telephony.amd.evidence import Kind

__all__ = ["LANGUAGES", "Found", "Phrase", "find", "phrases", "tokens"]

TABLES = Path(__file__).with_name("words")
LANGUAGES = tuple(sorted(path.stem for path in TABLES.glob("*.yaml")))
"""By ISO 639-1 code."""
BETWEEN = 2
"""Words that may stand between two of a phrase: "laissez [-nous un] message"."""
MOST_NATS = 8.0
"""What all phrases of a kind say together; it is one voice that says them."""

_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Phrase:
    """`words`, in this order, speak for `kind` with `weight` nats; `*` at the end of one stands
    for any ending, alone for any word."""

    text: str
    words: tuple[str, ...]
    kind: Kind
    weight: float


@dataclass(frozen=True, slots=True)
class Found:
    """The phrases in what was said, and what they say together, by kind."""

    phrases: tuple[Phrase, ...]
    weights: Mapping[Kind, float]


def tokens(text: str) -> list[str]:
    """Words in lower case, without accents, apart at apostrophes and hyphens."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe"))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return _WORD.findall(plain)


@cache
def phrases(language: str) -> tuple[Phrase, ...]:
    """The table of `language`. Raises ConfigurationError if there is none."""
    if language not in LANGUAGES:
        raise ConfigurationError(
            f"no first words are known in {language!r}; there are: {', '.join(LANGUAGES)}; "
            f"write {TABLES.name}/{language}.yaml beside them, or detect without words"
        )
    table: dict[str, dict[str, Any]] = yaml.safe_load((TABLES / f"{language}.yaml").read_text())
    return tuple(
        Phrase(text, tuple(text.split()), Kind(kind), float(weight))
        for kind, entries in table.items()
        for text, weight in entries.items()
    )


def find(text: str, language: str) -> Found:
    """What `text` tells. Of phrases that lie within each other only the longest counts."""
    words = tokens(text)
    found: list[tuple[set[int], Phrase]] = []
    for phrase in phrases(language):
        places = _places(words, phrase.words)
        if places:
            found.append((places, phrase))
    kept = [
        (places, phrase)
        for places, phrase in found
        if not any(places < other for other, _ in found)
    ]
    weights: dict[Kind, float] = {}
    for _, phrase in kept:
        total = weights.get(phrase.kind, 0.0) + phrase.weight
        weights[phrase.kind] = min(MOST_NATS, total)
    return Found(tuple(phrase for _, phrase in kept), weights)


def _places(words: Sequence[str], wanted: Sequence[str]) -> set[int]:
    """Where `wanted` stands in `words`; empty if it does not."""
    for start, word in enumerate(words):
        if _matches(word, wanted[0]) and (rest := _rest(words, start, wanted[1:])) is not None:
            return {start, *rest}
    return set()


def _rest(words: Sequence[str], after: int, wanted: Sequence[str]) -> list[int] | None:
    if not wanted:
        return []
    for place in _window(words, after):
        if _matches(words[place], wanted[0]):
            rest = _rest(words, place, wanted[1:])
            if rest is not None:
                return [place, *rest]
    return None


def _window(words: Sequence[str], after: int) -> Iterator[int]:
    return iter(range(after + 1, min(len(words), after + 2 + BETWEEN)))


def _matches(word: str, wanted: str) -> bool:
    return word.startswith(wanted[:-1]) if wanted.endswith("*") else word == wanted
