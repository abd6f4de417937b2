"""Text as the recogniser writes it.

Lower case with accents, without punctuation, numbers in words. An elided word is one with the next
(``j'ai``, ``l'assurance-vie``) and hyphens stay within words: fewer short words to confuse, and the
transcript reads as French does. Scenarios and their examples are written the same way.
"""

from __future__ import annotations

import re
import unicodedata

from pipelines.speech.corpus.numbers import LIMIT, SPELL

__all__ = ["normalise"]

_APOSTROPHES = str.maketrans("’ʼ`´", "''''")
_HYPHENS = str.maketrans("‐‑", "--")
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*'?")
_DIGITS = re.compile(r"\d+")


def normalise(text: str, language: str) -> str:
    """`text` as a recogniser of `language` would write it, numbers in words."""

    def spelt(match: re.Match[str]) -> str:
        number = match[0]
        if len(number) > 1 and (number.startswith("0") or int(number) >= LIMIT):
            return " " + " ".join(SPELL[language](int(digit))[0] for digit in number) + " "
        return f" {SPELL[language](int(number))[0]} "

    plain = unicodedata.normalize("NFC", text.translate(_APOSTROPHES).translate(_HYPHENS)).lower()
    return " ".join(_WORD.findall(_DIGITS.sub(spelt, plain)))
