"""English as it is said."""

from __future__ import annotations

import re
from collections.abc import Callable

from pipelines.speech.spoken.numbers import year as year_words
from pipelines.speech.spoken.rules import Address, Rule, grouped, one_of, rule, whole

__all__ = ["NUMBERS", "WORDS"]

MONTHS = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
]  # fmt: skip
_MONTH = "|".join(MONTHS)

_NUMBER = r"(?P<n>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<part>\d+))?"
_SCALE = r"(?:\s?(?P<scale>thousand|million|billion|[kKmM](?!\w)|bn(?!\w)))?"
_SCALES = {"k": "thousand", "m": "million", "bn": "billion"}
_CURRENCIES = {
    r"(?:US)?\$": ("dollar", "dollars", "cent"),
    "€|EUR": ("euro", "euros", "cent"),
    "£|GBP": ("pound", "pounds", "penny"),
    r"F\.?\s?CFA|XAF|XOF|CFA": ("C.F.A. franc", "C.F.A. francs", "centime"),
}

_UNITS = {
    "km/h": ("kilometre per hour", "kilometres per hour"),
    "mph": ("mile per hour", "miles per hour"),
    "km": ("kilometre", "kilometres"), "cm": ("centimetre", "centimetres"),
    "mm": ("millimetre", "millimetres"), "m[²2]": ("square metre", "square metres"),
    "m[³3]": ("cubic metre", "cubic metres"), "kg": ("kilogram", "kilograms"),
    "kWh": ("kilowatt hour", "kilowatt hours"), "lbs?": ("pound", "pounds"),
    "oz": ("ounce", "ounces"), "ft": ("foot", "feet"), "GB": ("gigabyte", "gigabytes"),
    "MB": ("megabyte", "megabytes"), "hrs?": ("hour", "hours"), "mins?": ("minute", "minutes"),
    r"°\s?C": ("degree", "degrees"), r"°\s?F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "m": ("metre", "metres"), "s": ("second", "seconds"),
}  # fmt: skip
"""After a number; espeak-ng reads letters."""

_SHORT = {
    r"Ms\.?(?=\s[A-Z])": "Miz", r"Prof\.(?=\s)": "Professor", r"No\.\s?(?=\d)": "number ",
    r"St\.?(?=\s[A-Z])": "Saint", r"(?<=[A-Za-z]\s)St\.": "Street",
    r"(?<=\w\s)Ave\b\.?": "Avenue", r"(?<=\w\s)Rd\b\.?": "Road", r"(?<=\w\s)Blvd\b\.?": "Boulevard",
    r"i\.e\.": "that is", r"approx\.": "approximately", r"vs\b\.?": "versus",
    r"[dD]ept\.": "department", r"[tT]el\.": "telephone", r"24/7\b": "24 7",
    r"1/2\b": "one half", r"1/4\b": "one quarter", r"3/4\b": "three quarters",
}  # fmt: skip
"""Of the abbreviations, those that espeak-ng does not know: Mr, Mrs, Dr, e.g. and etc. it does."""

_SPELLED = [
    "CFA", "EDF", "ETA", "FAQ", "IOU", "LED", "VAT",
]  # fmt: skip
"""Of the acronyms that are said letter by letter, those that espeak-ng takes for words. With full
stops: "V A T" it reads with the article."""


def _time(match: re.Match[str]) -> str:
    hour, minute, half = int(match["hour"]), int(match["minute"]), match["half"]
    if hour > 23:
        return match[0]
    after = f" {half[0].lower()}.m." if half else ""
    if not minute:
        return f"{hour}{after or (' o’clock' if hour <= 12 else ' hundred')}"
    return f"{hour} {'oh ' if minute < 10 else ''}{minute}{after}"


def _ending(day: int) -> str:
    return "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")


def _date(match: re.Match[str]) -> str:
    day, month = int(match["day"]), int(match["month"])
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return match[0]
    return f"{day}{_ending(day)} of {MONTHS[month - 1]}, {year_words(int(match['year']))}"


def _day(match: re.Match[str]) -> str:
    day = int(match["day"])
    return f"{match['month']} {day}{_ending(day)}" if 1 <= day <= 31 else match[0]


def _year(match: re.Match[str]) -> str:
    return match["before"] + year_words(int(match["year"]))


def _money(one: str, many: str, cent: str) -> Callable[[re.Match[str]], str]:
    def said(match: re.Match[str]) -> str:
        written, part, scale = match["n"], match["part"] or "", match["scale"]
        if scale or len(part) > 2:
            name = _SCALES.get((scale or "").lower(), scale or "")
            return " ".join(f"{written}{'.' * bool(part)}{part} {name} {many}".split())
        number, cents = whole(written), int(part.ljust(2, "0")) if part else 0
        if not number and cents:
            plural = {"penny": "pence"}.get(cent, f"{cent}s")
            return f"{cents} {plural if cents > 1 else cent}"
        words = f"{written} {one if number == 1 else many}"
        return f"{words} {cents}" if cents else words

    return said


def _unit(one: str, many: str) -> Callable[[re.Match[str]], str]:
    return lambda match: f"{match['n']} {one if match['n'] == '1' else many}"


def _range(match: re.Match[str]) -> str:
    return f"{match['a']} to {match['b']}" if int(match["a"]) < int(match["b"]) else match[0]


def _phone(match: re.Match[str]) -> str:
    country = match.groupdict().get("country")
    number = grouped(match["number"])
    return f"plus {country}, {number}" if country else number


_HALF = r"(?:\s?(?P<half>[aApP])\.?[mM]\b\.?)?"

NUMBERS: tuple[Rule, ...] = (
    rule(r"\+(?P<country>\d{1,3})(?P<number>(?:[\s.-]\(?\d{2,4}\)?){2,4})\b", _phone),
    rule(r"(?<![\d-])(?P<number>\(?\d{3}\)?[\s.-]\d{3}[\s.-]\d{4})\b", _phone),
    rule(r"(?<![\d-])(?P<number>0\d{2,4}\s\d{3,4}\s\d{3,4}|\d{3}-\d{4}|0\d{8,10})\b", _phone),
    rule(r"\b(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})\b", _date),
    rule(r"\b(?P<year>[12]\d{3})-(?P<month>\d\d)-(?P<day>\d\d)\b", _date),
    rule(rf"\b(?P<month>{_MONTH})\s(?P<day>\d{{1,2}})(?!\d|st|nd|rd|th)\b", _day),
    rule(
        rf"(?P<before>\b(?:[Ii]n|[Ss]ince|[Uu]ntil|year|(?:{_MONTH})(?:\s\d{{1,2}}\w\w)?,?)\s)"
        r"(?P<year>1[1-9]\d\d|20\d\d)\b(?![,.]\d)",
        _year,
    ),
    rule(r"(\d\s?(?:[ap]m|:\d\d))\s?[-–]\s?(?=\d)", r"\1 to "),
    rule(rf"(?<![\d:])(?P<hour>\d{{1,2}}):(?P<minute>[0-5]\d)(?![\d:]){_HALF}", _time),
    *(
        rule(rf"(?:{written})\s?{_NUMBER}{_SCALE}", _money(*names))
        for written, names in _CURRENCIES.items()
    ),
    *(
        rule(rf"(?<![\d.,]){_NUMBER}{_SCALE}\s?(?:{written})(?!\w)", _money(*names))
        for written, names in _CURRENCIES.items()
    ),
    *(
        rule(rf"(?<![\d.,])(?P<n>\d+(?:[.,]\d+)*)\s?{unit}(?![\w/'’])", _unit(*names))
        for unit, names in _UNITS.items()
    ),
    rule(r"(?<=\w)\s?/\s?(?=(?:month|year|day|hour|week|night|person)\b)", " per "),
    rule(r"(?<![\w.,/-])(?P<a>\d{1,4})\s?[-–]\s?(?P<b>\d{1,4})(?![\w-])", _range),
    rule(r"(?<![\w.,])−(?=\d)", "minus "),
    rule(r"\s?×\s?", " times "),
)
"""Where there is a digit."""

WORDS: tuple[Rule, ...] = (
    *Address(
        {"@": "at", ".": "dot", "-": "dash", "_": "underscore", "+": "plus", "/": "slash"}
    ).rules(),
    one_of(_SHORT, before=r"(?<!\w)"),
    one_of(
        {acro: ".".join(acro) + "." for acro in _SPELLED}, before=r"\b(?=[A-Z]{2})", after=r"\b"
    ),
)
