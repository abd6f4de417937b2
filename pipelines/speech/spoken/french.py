"""French as it is said."""

from __future__ import annotations

import re
from collections.abc import Callable

from pipelines.speech.spoken.numbers import cardinal, ordinal
from pipelines.speech.spoken.rules import Address, Rule, one_of, pairs, rule, whole

__all__ = ["NUMBERS", "WORDS"]

MONTHS = [
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
]  # fmt: skip

_NUMBER = r"(?<![\d.,])(?P<n>\d{1,3}(?:[\s.]\d{3})+|\d+)(?:,(?P<part>\d+))?"

_CURRENCIES = {
    r"€|EUR\b|euros?\b": ("un", "euro", "euros", "centime"),
    r"F\.?\s?CFA\b|XAF\b|XOF\b|CFA\b": ("un", "franc C F A", "francs C F A", "centime"),
    r"\$|USD\b": ("un", "dollar", "dollars", "cent"),
    r"£|GBP\b": ("une", "livre", "livres", "penny"),
}
_SCALES = {"k": "mille", "K": "mille", "M": "million", "Md": "milliard", "Mds": "milliard"}

_UNITS = {
    r"km/h": "kilomètres heure", r"m/s": "mètres par seconde", r"km[²2]": "kilomètres carrés",
    r"m[²2]": "mètres carrés", r"m[³3]": "mètres cubes", r"°\s?C": "degrés",
    r"kWh": "kilowattheures", r"Mb/s": "mégabits par seconde", r"Go": "gigaoctets",
    r"Mo": "mégaoctets", r"ha": "hectares", r"min": "minutes", r"[lL]": "litres", r"s": "secondes",
    r"m": "mètres",
}  # fmt: skip
"""After a number, where espeak-ng reads letters. kg, km, cm, mm, mn and % it reads right."""

_SHORT = {
    r"M\.(?=\s(?:et\s)?[A-ZÀ-Ý])": "monsieur", r"MM\.(?=\s[A-ZÀ-Ý])": "messieurs",
    r"Me(?=\s[A-ZÀ-Ý][a-zà-ÿ])": "maître", r"Mgr(?=\s[A-ZÀ-Ý])": "monseigneur",
    r"[nN][°º]\s?(?=\d)": "numéro ", r"av\.(?=\s)": "avenue", r"pl\.(?=\s[A-ZÀ-Ý])": "place",
    r"[tT]él\.": "téléphone", r"c\.-à-d\.": "c'est-à-dire", r"p\.\s?ex\.": "par exemple",
    r"ex\.(?=\s)": "exemple", r"env\.": "environ", r"min\.": "minimum", r"max\.": "maximum",
    r"p\.(?=\s?\d)": "page", r"art\.(?=\s?\d)": "article", r"Cie\b": "compagnie",
    r"(?:RDV|rdv)\b": "rendez-vous", r"(?:SVP|svp)\b": "s'il vous plaît", r"BEAC\b": "Béac",
    r"IBAN\b": "ibane", r"1/2\s(?=heure|journée)": "une demi-", r"1/2\b": "un demi",
    r"1/4\b": "un quart", r"3/4\b": "trois quarts",
}  # fmt: skip
"""Of the abbreviations, those that espeak-ng does not know: Mme, Mlle, Dr, St, bd, etc. it does."""

_SPELLED = [
    "ARS", "BEP", "BGFI", "CEL", "CFA", "FAI", "IA", "IRM", "LEP", "OMS", "PEA", "PEE", "PEL",
    "PER", "PIB", "PME", "RER", "RSA", "SARL", "SAV", "TAEG", "TEG", "TPE", "UBA", "UE",
]  # fmt: skip
"""Of the acronyms that are said letter by letter, those that espeak-ng takes for words."""


def _time(match: re.Match[str]) -> str:
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    if hour > 24:
        return match[0]
    said = cardinal(hour, "fr", feminine=True) if hour in (1, 21) else str(hour)
    said += " heures" if hour > 1 else " heure"
    if not minute:
        return said
    last = cardinal(minute, "fr", feminine=True) if minute % 10 == 1 != minute // 10 else minute
    return f"{said} {last}"


def _date(match: re.Match[str]) -> str:
    day, month, year = int(match["day"]), int(match["month"]), match.groupdict().get("year")
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return match[0]
    said = f"{'premier' if day == 1 else day} {MONTHS[month - 1]}"
    return f"{said} {year}" if year else said


def _money(names: tuple[str, str, str, str]) -> Callable[[re.Match[str]], str]:
    article, one, many, cent = names
    of = "d'" if one[0] in "aeiou" else "de "

    def said(match: re.Match[str]) -> str:
        written, part, scale = match["n"], match["part"] or "", _SCALES.get(match["scale"] or "")
        number = whole(written)
        if scale == "mille":
            return f"{written}{',' * bool(part)}{part} mille {many}"
        if scale:
            plural = "s" if number > 1 else ""
            return f"{written}{',' * bool(part)}{part} {scale}{plural} {of}{many}"
        cents = int(part.ljust(2, "0")) if len(part) < 3 and part else 0
        if len(part) > 2:
            return f"{written},{part} {many}"
        if not number and cents:
            plural = {"penny": "pence"}.get(cent, f"{cent}s")
            return f"{cents} {plural if cents > 1 else cent}"
        words = f"{article} {one}" if number == 1 else f"{written} {many if number else one}"
        if number and number % 10**6 == 0:
            words = f"{written} {of}{many}"
        return f"{words} {cents}" if cents else words

    return said


def _nth(match: re.Match[str]) -> str:
    number, feminine = int(match["n"]), match["ending"] in ("re", "ère", "nde")
    if match["ending"] in ("nd", "nde"):
        return "seconde" if feminine else "second"
    if (number == 1) != (match["ending"] in ("er", "re", "ère")):
        return match[0]
    return ordinal(number, "fr", feminine=feminine)


def _century(match: re.Match[str]) -> str:
    digits = [{"I": 1, "V": 5, "X": 10}[sign] for sign in match["roman"]]
    pairs_of = zip(digits, [*digits[1:], 0], strict=True)
    return ordinal(sum(-one if one < following else one for one, following in pairs_of), "fr")


def _range(match: re.Match[str]) -> str:
    return f"{match['a']} à {match['b']}" if int(match["a"]) < int(match["b"]) else match[0]


def _phone(match: re.Match[str]) -> str:
    digits = pairs(re.sub(r"\D", "", match["number"]))
    country = match.groupdict().get("country")
    return f"plus {country}, {digits}" if country else digits


_CODES = r"33|32|41|2[0-6]\d"
"""France, Belgium, Switzerland, and Africa, which has 20 to 26."""
_HOUR = r"(?<![\d:,.])(?P<hour>\d{1,2})"
_ALONE = r"(?!,?\s?\d)"

NUMBERS: tuple[Rule, ...] = (
    rule(rf"\+(?P<country>{_CODES})(?P<number>(?:[\s.-]?\(?\d{{1,3}}\)?){{4,6}})\b", _phone),
    rule(rf"(?<![\d,])(?P<number>0\d{{1,2}}([\s.-]?)\d\d(?:\2\d\d){{2,3}}){_ALONE}", _phone),
    rule(rf"(?<![\d,])(?P<number>\d{{1,2}}([\s.])\d\d(?:\2\d\d){{2,3}}){_ALONE}", _phone),
    rule(r"\b(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4}|\d\d)\b", _date),
    rule(r"\b(?P<year>[12]\d{3})-(?P<month>\d\d)-(?P<day>\d\d)\b", _date),
    rule(r"(?<=\b[dl][ue]\s)(?P<day>\d{1,2})/(?P<month>\d{1,2})\b", _date),
    rule(rf"\b1\s(?={'|'.join(MONTHS)})", "premier "),
    rule(r"\b24\s?h(?:eures)?\s?/\s?24\b", "24 heures sur 24"),
    rule(r"\b7\s?j(?:ours)?\s?/\s?7\b", "7 jours sur 7"),
    rule(r"(\d\s?h(?:\s?\d\d)?)\s?[-–—]\s?(?=\d{1,2}\s?h)", r"\1 à "),
    rule(_HOUR + r"\s?[hH](?:\s?(?P<minute>[0-5]\d))?(?![\w/])", _time),
    rule(_HOUR + r":(?P<minute>[0-5]\d)(?![\d:])", _time),
    *(
        rule(rf"{_NUMBER}\s?(?P<scale>k|K|M|Mds?)?\s?(?:{written})", _money(names))
        for written, names in _CURRENCIES.items()
    ),
    one_of(
        {unit: f" {said}" for unit, said in _UNITS.items()},
        before=r"(?<=\d)\s?",
        after=r"(?![\w/'’])",
    ),
    rule(r"(?<=\w)\s?/\s?(?=(?:mois|an|jour|heure|semaine|nuit|personne)\b)", " par "),
    rule(r"\b(?P<n>\d{1,5})\s?(?P<ending>er|re|ère|nde?|e|è?me|ème)\b", _nth),
    rule(r"(?<![\w.,-])(?P<a>\d{1,4})\s?[-–]\s?(?P<b>\d{1,4})(?![\w-])", _range),
    rule(r"(?<![\w.,])[-−](?=\d)", "moins "),
    rule(r"\s?×\s?", " fois "),
)
"""Where there is a digit."""

WORDS: tuple[Rule, ...] = (
    *Address(
        {"@": "arobase", ".": "point", "-": "tiret", "_": "tiret bas", "+": "plus", "/": "slash"}
    ).rules(),
    rule(r"\b(?=[IVX])(?P<roman>[IVX]+)e(?=\ssiècle)", _century),
    one_of(_SHORT, before=r"\b"),
    one_of(
        {acronym: " ".join(acronym) for acronym in _SPELLED}, before=r"\b(?=[A-Z]{2})", after=r"\b"
    ),
)
