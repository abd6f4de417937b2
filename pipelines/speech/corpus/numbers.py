"""Numbers in words, as they are said and as the recogniser writes them."""

from __future__ import annotations

from functools import cache

__all__ = ["SPELL"]


def _words(text: str) -> list[str]:
    return text.split()


_FRENCH = _words(
    "zéro un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize"
    " dix-sept dix-huit dix-neuf"
)
_FRENCH_TENS = {2: "vingt", 3: "trente", 4: "quarante", 5: "cinquante", 6: "soixante"}
_NONANTE = {7: "septante", 9: "nonante"}
_HUITANTE = {**_NONANTE, 8: "huitante"}

_ENGLISH = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    " sixteen seventeen eighteen nineteen"
)
_ENGLISH_TENS = _words("_ _ twenty thirty forty fifty sixty seventy eighty ninety")

LIMIT = 1_000_000
"""Numbers are said below it."""


@cache
def french(number: int) -> tuple[str, ...]:
    """In France, then, where it differs, in Belgium (septante, nonante) and in parts of
    Switzerland (huitante besides)."""
    _check(number)
    styles: tuple[dict[int, str], ...] = ({}, _NONANTE, _HUITANTE)
    return tuple(dict.fromkeys(_french(number, style) for style in styles))


def _french(number: int, own: dict[int, str]) -> str:
    if number >= 1000:
        thousands, rest = divmod(number, 1000)
        many = "" if thousands == 1 else _plain(_french(thousands, own)) + " "
        return f"{many}mille" + (f" {_french(rest, own)}" if rest else "")
    if number >= 100:
        hundreds, rest = divmod(number, 100)
        many = "" if hundreds == 1 else f"{_FRENCH[hundreds]} "
        if not rest:
            return f"{many}cent" + ("s" if hundreds > 1 else "")
        return f"{many}cent {_french(rest, own)}"
    if number < 20:
        return _FRENCH[number]
    tens, unit = divmod(number, 10)
    names = _FRENCH_TENS | own
    if tens in names:
        join = " et " if unit == 1 else " "
        return names[tens] + (join + _FRENCH[unit] if unit else "")
    if tens == 7:
        return "soixante et onze" if unit == 1 else f"soixante {_FRENCH[10 + unit]}"
    rest = number - 80
    return f"quatre-vingt {_FRENCH[rest]}" if rest else "quatre-vingts"


def _plain(words: str) -> str:
    """Without the plural that "mille" takes from "cents" and "quatre-vingts"."""
    return words.removesuffix("s") if words.endswith(("cents", "vingts")) else words


@cache
def english(number: int) -> tuple[str, ...]:
    """In Britain, with "and"; then in America, without."""
    _check(number)
    return tuple(dict.fromkeys(_english(number, join) for join in (" and ", " ")))


def _english(number: int, join: str) -> str:
    if number >= 1000:
        thousands, rest = divmod(number, 1000)
        head = f"{_english(thousands, join)} thousand"
        if not rest:
            return head
        return head + (join if rest < 100 else " ") + _english(rest, join)
    if number >= 100:
        hundreds, rest = divmod(number, 100)
        head = f"{_ENGLISH[hundreds]} hundred"
        return head + (join + _english(rest, join) if rest else "")
    if number < 20:
        return _ENGLISH[number]
    tens, unit = divmod(number, 10)
    return _ENGLISH_TENS[tens] + (f" {_ENGLISH[unit]}" if unit else "")


def _check(number: int) -> None:
    if not 0 <= number < LIMIT:
        raise ValueError(f"numbers are said from 0 to {LIMIT - 1}, not {number}")


SPELL = {"fr": french, "en": english}
"""By ISO 639-1 code: all ways to say a number, the usual one first."""
