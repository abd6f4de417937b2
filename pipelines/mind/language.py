"""What a language has of its own: hesitations, negation, numbers in words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["LANGUAGES", "Language", "asks", "numbers", "tokens"]


@dataclass(frozen=True, slots=True)
class Language:
    """Words without accents. `negations` reach forward to one of `turns` or to the next negation;
    `doubles` are pairs of words that look like one and are none. `questions` are the words, or
    pairs of them, that a question begins with."""

    hesitations: frozenset[str]
    negations: frozenset[str]
    turns: frozenset[str]
    numbers: Mapping[str, int]
    hundred: frozenset[str]
    thousand: frozenset[str]
    joins: frozenset[str]
    questions: frozenset[str]
    exceptions: frozenset[tuple[str, str]] = frozenset()


def _count(words: str) -> dict[str, int]:
    return {word: value for value, word in enumerate(words.split())}


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


FRENCH = Language(
    hesitations=_set("euh heu hum hm mm mmh ben bah beh alors donc unk"),
    negations=_set("pas jamais plus aucun aucune ni rien sans"),
    turns=_set("mais seulement sinon que qu par sauf juste uniquement j"),
    numbers=_count(
        "zero un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze"
        " quinze seize"
    )
    | {"une": 1, "vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50}
    | {"soixante": 60, "septante": 70, "huitante": 80, "octante": 80, "nonante": 90},
    hundred=_set("cent cents"),
    thousand=_set("mille"),
    joins=_set("et"),
    questions=_set("qui que quoi quand combien comment pourquoi quel quelle quels quelles")
    | {"est ce", "est qui", "est quoi", "etes qui", "pouvez vous", "avez vous", "etes vous"},
    # "plus tard", "pas mal": no negation; "ne … que" is none either and has no word of these.
    exceptions=frozenset(
        {("plus", word) for word in _set("tard ou lentement fort haut doucement vite")}
        | {("pas", "mal"), ("en", "plus"), ("de", "plus"), ("rien", "de"), ("non", "plus")}
    ),
)

_AUXILIARIES = _set("do does did is are can could will would may")

ENGLISH = Language(
    hesitations=_set("uh um er erm hm hmm mm mmm well unk"),
    negations=_set("not no never none neither nor without t don didn haven isn won nothing"),
    turns=_set("but only just except"),
    numbers=_count(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen"
        " fourteen fifteen sixteen seventeen eighteen nineteen"
    )
    | {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70}
    | {"eighty": 80, "ninety": 90},
    hundred=_set("hundred"),
    thousand=_set("thousand"),
    joins=_set("and"),
    questions=_set("who what when where why how which whose")
    | {f"{verb} {who}" for verb in _AUXILIARIES for who in ("you", "it", "this", "there", "i")},
    exceptions=frozenset({("no", "problem")}),
)

LANGUAGES = {"fr": FRENCH, "en": ENGLISH}
"""By ISO 639-1 code."""

_WORD = re.compile(r"[^\W_]+")


def tokens(text: str, language: Language) -> list[str]:
    """Words in lower case without accents, apostrophes, hyphens or hesitations."""
    plain = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe"))
    plain = "".join(char for char in plain if not unicodedata.combining(char))
    return [word for word in _WORD.findall(plain) if word not in language.hesitations]


def negated(words: list[str], language: Language) -> list[bool]:
    """Which words stand under a negation: those after one, to the end or to a turn of phrase."""
    under = False
    flags = []
    for index, word in enumerate(words):
        pair = (word, words[index + 1] if index + 1 < len(words) else "")
        before = (words[index - 1] if index else "", word)
        if word in language.turns:
            under = False
        flags.append(under)
        if word in language.negations and not {pair, before} & language.exceptions:
            under = True
    return flags


def asks(words: list[str], language: Language) -> bool:
    """`words` begin as a question does, perhaps after a word of address."""
    begin = words[:3]
    pairs = {" ".join(pair) for pair in zip(begin, words[1:4], strict=False)}
    return not language.questions.isdisjoint({*begin[:2], *pairs})


def numbers(words: list[str], language: Language) -> list[int]:
    """Numbers below a million, in digits or words, in order: ``mille deux cents`` is 1200."""
    found: list[int] = []
    total, part, open_number = 0, 0, False
    for word in [*words, ""]:
        value = language.numbers.get(word)
        if word.isdecimal() and len(word) <= 6:
            if open_number:
                found.append(total + part)
            found.append(int(word))
            total, part, open_number = 0, 0, False
        elif word in language.thousand:
            total, part, open_number = (part or 1) * 1000, 0, True
        elif word in language.hundred:
            part, open_number = (part or 1) * 100, True
        elif value is not None:
            if value == 20 and part % 100 == 4:  # quatre-vingts
                part += 76
            elif open_number and not _continues(part, value):
                found.append(total + part)
                total, part = 0, value
            else:
                part += value
            open_number = True
        elif open_number and word not in language.joins:
            found.append(total + part)
            total, part, open_number = 0, 0, False
    return found


def _continues(part: int, value: int) -> bool:
    """`value` can follow `part` within one number: after hundreds, tens or soixante-."""
    rest = part % 100
    if rest == 0:
        return value < 100
    if rest in (60, 80):
        return 0 < value < 20
    return (rest % 10 == 0 and 0 < value < 10) or (rest == 10 and 6 < value < 10)
