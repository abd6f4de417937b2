"""Phrases that are expected, as the grammar of a recogniser that has its own words."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from itertools import pairwise

__all__ = ["UNKNOWN", "grammar", "spelled", "unknown_words"]

UNKNOWN = "[unk]"
"""What models and grammars call speech that is none of their words."""

Knows = Callable[[str], bool]

_PARTS = re.compile(r"[^\W_]+(?:'(?=\w)|')?|\[unk\]")
"""Words, each with the apostrophe that ends it: ``l'`` and ``assurance``."""


def grammar(phrases: Iterable[str], knows: Knows) -> str | None:
    """In Vosk's JSON, with `UNKNOWN` for all else; None if no phrase is made of known words.

    A phrase with a word that the model does not know is left out whole: without its ``plus``,
    ``ne m'appelez plus`` would mean the opposite.
    """
    known = dict.fromkeys(text for phrase in phrases if (text := spelled(phrase, knows)))
    if not known:
        return None
    # Vosk does not know JSON's escapes: it would take an accented word for an unknown one.
    return json.dumps([*known, UNKNOWN], ensure_ascii=False)


def spelled(phrase: str, knows: Knows) -> str | None:
    """`phrase` in words of the model, whatever that writes together: ``l'assurance-vie`` or ``l'
    assurance vie``, ``rendez-vous`` or ``rendez vous``. None if a word is not known."""
    parts = _parts(phrase)
    found: list[str] = []
    start = 0
    while start < len(parts):
        for end in range(min(len(parts), start + 4), start, -1):
            word = _joined(parts[start:end], knows)
            if word:
                found.append(word)
                start = end
                break
        else:
            return None
    return " ".join(found) or None


def unknown_words(phrases: Iterable[str], knows: Knows) -> list[str]:
    """The words of `phrases` that the model has in no spelling, in their order."""
    lacking: dict[str, None] = {}
    for phrase in phrases:
        if spelled(phrase, knows) is None:
            words = [word for word in phrase.split() if spelled(word, knows) is None]
            lacking.update(dict.fromkeys(words))
    return list(lacking)


def _parts(phrase: str) -> list[str]:
    return _PARTS.findall(phrase.casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'"))


def _joined(parts: list[str], knows: Knows) -> str:
    """The word that `parts` are in the model's spelling, or nothing."""
    plain = parts[0]
    for before, part in pairwise(parts):
        plain += part if before.endswith("'") else f"-{part}"
    return plain if knows(plain) else ""
