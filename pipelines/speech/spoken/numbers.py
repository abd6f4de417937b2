"""Number words that voices do not find by themselves: ordinals, feminines, years.

Cardinals in digits are read right by every voice measured, in Belgium's and Switzerland's French
as well, so they stay digits.
"""

from __future__ import annotations

from pipelines.speech.corpus.numbers import SPELL

__all__ = ["cardinal", "ordinal", "year"]

_ORDINALS = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth",
    "nine": "ninth", "twelve": "twelfth",
}  # fmt: skip


def cardinal(number: int, language: str, *, feminine: bool = False) -> str:
    """`number` (below a million) in words. `language` is a tag: ``fr``, ``fr-BE``, ``en-GB``."""
    tag = language.lower()
    ways = SPELL[tag[:2]](number)
    if not tag.startswith("fr"):
        return ways[0]
    words = ways[0]
    if tag.startswith("fr-ch"):
        words = ways[-1]
    elif tag.startswith("fr-be"):
        words = next(way for way in reversed(ways) if "huitante" not in way)
    return words + "e" if feminine and words.split()[-1] == "un" else words


def ordinal(number: int, language: str, *, feminine: bool = False) -> str:
    """The `number`-th, in words."""
    words = cardinal(number, language)
    if not language.startswith("fr"):
        head, space, last = words.rpartition(" ")
        if last.endswith("y"):
            return head + space + last[:-1] + "ieth"
        return head + space + _ORDINALS.get(last, last + "th")
    if number == 1:
        return "première" if feminine else "premier"
    if words.endswith(("cents", "vingts")):
        words = words[:-1]
    if words.endswith("cinq"):
        return words + "uième"
    if words.endswith("neuf"):
        return words[:-1] + "vième"
    return words.removesuffix("e") + "ième"


def year(number: int) -> str:
    """A year in English: ``nineteen ninety eight``, ``twenty twenty six``, ``two thousand``."""
    century, rest = divmod(number, 100)
    if not 11 <= century <= 99 or (century % 10 == 0 and rest < 10):
        return cardinal(number, "en")
    if rest == 0:
        return f"{cardinal(century, 'en')} hundred"
    return f"{cardinal(century, 'en')} {'oh ' if rest < 10 else ''}{cardinal(rest, 'en')}"
