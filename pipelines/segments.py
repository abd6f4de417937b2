"""The lines of a turn's sound: which stands where, and what of them was heard."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["RATE_HZ", "Segments"]

RATE_HZ = 16000
ANSWERABLE = 0.4
"""Share of a question after which "yes" answers it; before, it is for what was said before."""
CHARACTER_S = 0.06
"""What a character sounds for, in French and English, at the usual 165 words a minute."""


@dataclass(slots=True)
class _Segment:
    """A line in the turn's sound: from `start` to `end`, in bytes at 16 kHz."""

    text: str
    question: bool
    start: int
    end: int | None = None


class Segments:
    """Lines in order, each with the sound that was written while it was the last. Fillers come
    before all others.

    Positions are bytes of s16le at 16 kHz from the turn's first.
    """

    def __init__(self) -> None:
        self.bytes = 0
        """Of the turn's sound so far."""
        self.fillers = 0
        self._lines: list[_Segment] = []

    def __len__(self) -> int:
        return len(self._lines)

    def text(self, number: int) -> str:
        """Of the `number`-th line, from 1."""
        return self._lines[number - 1].text

    def begin(self, text: str, question: bool) -> None:
        """A line whose sound follows."""
        self._lines.append(_Segment(text, question, self.bytes))

    def fill(self, text: str, size: int) -> None:
        """A filler, whose `size` bytes of sound follow, before the line whose sound is awaited."""
        end = self.bytes + size
        self._lines.insert(self.fillers, _Segment(text, False, self.bytes, end))
        self.fillers += 1
        for line in self._lines[self.fillers :]:
            line.start = end

    def close(self) -> int | None:
        """The last line has no more sound: its number, or None where none was open. Lines before
        any sound are forgotten: nobody hears them."""
        if not self.bytes:
            self._lines.clear()
        elif self._lines and self._lines[-1].end is None:
            self._lines[-1].end = self.bytes
            return len(self._lines)
        return None

    def in_question(self, position: float) -> bool:
        """The line at `position` expects an answer, and enough of it was heard to give one."""
        for line in self._lines:
            end = self.bytes if line.end is None else line.end
            if position < end:
                heard = (position - line.start) / (end - line.start)
                return line.question and heard >= ANSWERABLE
        return bool(self._lines) and self._lines[-1].question

    def said(self, position: float) -> str:
        """What lies before `position`: of a line that was cut, words by their share of it."""
        parts = (self._part(line, position) for line in self._lines)
        return " ".join(part for part in parts if part)

    def _part(self, line: _Segment, position: float) -> str:
        """Of a line that was still being synthesised, by what it would probably have come to."""
        end = line.end
        if end is None:
            end = line.start + round(len(line.text) * CHARACTER_S * RATE_HZ) * 2
            end = max(self.bytes, end)
        if position <= line.start:
            return ""
        if position >= end:
            return line.text
        words = line.text.split()
        return " ".join(words[: int(len(words) * (position - line.start) / (end - line.start))])
