"""From the pieces of text that a language model writes to lines that can be spoken.

The sooner the first line is whole, the sooner it sounds: a sentence goes out at the space after
its end, and a long first one at a comma. French and English.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from engine.frames import Delta, Frame, Say

__all__ = ["Sentences"]

FIRST_CHARS = 40
"""A first line this long goes out at its comma: about two seconds of speech, in which the next
one is written."""

MAX_CHARS = 300
"""About 20 s of speech; a text without any punctuation is cut here, at a space."""

# fmt: off
_TITLES = frozenset({
    "Dr", "Drs", "M", "MM", "Me", "Mgr", "Mlle", "Mlles", "Mme", "Mmes", "Pr", "St", "Ste",
    "Mr", "Mrs", "Ms", "Prof", "Sr", "vs",
})
"""A name follows, so a capital after them begins no sentence."""

_SHORT = frozenset({
    "art", "av", "bd", "boul", "cf", "chap", "env", "etc", "ex", "fig", "max", "min", "n", "p",
    "pp", "réf", "tel", "tél", "vol", "approx", "dept", "e.g", "i.e", "inc", "jr", "ltd",
})
"""End a sentence only where a capital follows."""
# fmt: on

_END = re.compile(r"(?P<mark>[.!?…]+)(?P<close>[”\"’')\]]*)(?P<space>\s+)|\n")
_CLAUSE = re.compile(r"[,;:](?=\s+[^\s\d])|\s[–—](?=\s)")
_LAST_WORD = re.compile(r"(?:^|.*[\s(«“\"'’])(?P<word>[^\s(«“\"'’]+)$", re.DOTALL)
_INITIAL = re.compile(r"(?:(?:.*\s)?[A-ZÀ-Ý]\S*\s+)?[A-ZÀ-Ý]", re.DOTALL)
"""A capital alone, at the beginning or after a name: not the A of a "livret A"."""


class Sentences:
    """A transform: Delta in, Say out, one line after the other; other frames pass on.

    A text ends at an empty Delta, at a Say, or with `flush`.
    """

    def __init__(self, first_chars: int = FIRST_CHARS, max_chars: int = MAX_CHARS) -> None:
        self._first_chars = first_chars
        self._max_chars = max_chars
        self._text = ""
        self._first = True

    def feed(self, frame: Frame) -> Iterable[Frame]:
        match frame:
            case Delta(text=""):
                return self.flush()
            case Delta(text=text):
                self._text += text
                return list(self._cut(ended=False))
            case Say():
                return [*self.flush(), frame]
            case _:
                return (frame,)

    def flush(self) -> list[Say]:
        """The text has ended: what is left of it."""
        lines = list(self._cut(ended=True))
        lines.extend(_line(self._text))
        self._text = ""
        self._first = True
        return lines

    def _cut(self, ended: bool) -> Iterator[Say]:
        while (at := self._boundary(ended)) is not None:
            piece, self._text = self._text[:at], self._text[at:].lstrip()
            for line in _line(piece):
                self._first = False
                yield line

    def _boundary(self, ended: bool) -> int | None:
        """Where the first line ends, if that is known."""
        text = self._text
        end = next(_ends(text, ended), None)
        if self._first:
            clause = _CLAUSE.search(text, self._first_chars)
            if clause and (end is None or clause.end() < end):
                end = clause.end()
        if len(text) > self._max_chars and (end is None or end > self._max_chars):
            return _forced(text[: self._max_chars])
        return end


def _line(piece: str) -> Iterator[Say]:
    """A line of `piece`, if there is anything to speak in it."""
    text = " ".join(piece.split())
    if any(map(str.isalnum, text)):
        yield Say(text, question=text.rstrip(" »”\"')").endswith("?"))


def _ends(text: str, ended: bool) -> Iterator[int]:
    """The ends of sentences in `text`, up to the first that what follows will decide."""
    for match in _END.finditer(text):
        if match["mark"] is None:
            yield match.end()
            continue
        before, after = text[: match.start()], text[match.end() : match.end() + 1]
        quoted = before.count("«") > before.count("»")
        unclear = quoted or bool(match["close"]) or match["mark"] in ("…", "...")
        if match["mark"] == ".":
            kind = _abbreviation(before)
            if kind == "title":
                continue
            unclear = unclear or kind == "short"
        if not unclear:
            yield match.end()
        elif not after and not ended:
            return
        elif after == "»":
            rest = text[match.end() + 1 :].lstrip()
            if not rest and not ended:
                return
            if not rest[:1].islower():
                yield match.end() + 1
        elif not (after.islower() or (after.isdigit() and match["mark"] == ".")):
            yield match.end()


def _abbreviation(before: str) -> str | None:
    """``title``, ``short`` or None: what the full stop after `before` belongs to."""
    found = _LAST_WORD.match(before)
    word = found["word"] if found else ""
    if word in _TITLES or _INITIAL.fullmatch(before):
        return "title"
    if word.lower() in _SHORT:
        return "short"
    if word == before.strip() and word.isdigit() and len(word) < 3:
        return "title"  # the number of a list's item
    return None


def _forced(text: str) -> int:
    """Where to cut a text that has no end: after a clause, or at a space, or anywhere."""
    clauses = [found.end() for found in _CLAUSE.finditer(text)]
    if clauses and clauses[-1] > len(text) // 2:
        return clauses[-1]
    space = text.rfind(" ")
    return space if space > 0 else len(text)
