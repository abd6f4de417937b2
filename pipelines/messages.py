"""Text cut to what a channel takes in one message."""

from __future__ import annotations

import re

__all__ = ["split"]

_SENTENCE = re.compile(r"(?<=[.!?…])\s+")


def split(text: str, max_chars: int) -> list[str]:
    """`text` in pieces of at most `max_chars` (0: no limit), cut between sentences where it can be,
    else between words, else within one. White space at the cuts is lost, nothing more."""
    text = text.strip()
    if not text:
        return []
    if not max_chars or len(text) <= max_chars:
        return [text]
    pieces: list[str] = []
    for sentence in _SENTENCE.split(text):
        if pieces and len(pieces[-1]) + 1 + len(sentence) <= max_chars:
            pieces[-1] = f"{pieces[-1]} {sentence}"
        elif len(sentence) <= max_chars:
            pieces.append(sentence)
        else:
            pieces += _by_words(sentence, max_chars)
    return pieces


def _by_words(sentence: str, max_chars: int) -> list[str]:
    pieces = [""]
    for word in sentence.split():
        if len(pieces[-1]) + 1 + len(word) <= max_chars and pieces[-1]:
            pieces[-1] = f"{pieces[-1]} {word}"
            continue
        cut = [word[at : at + max_chars] for at in range(0, len(word), max_chars)]
        pieces += cut
    return pieces[1:]
