"""What was said in a conversation, as the user knows it."""

from __future__ import annotations

from collections import deque

from engine.turn import Turn

__all__ = ["CUT", "LONGEST", "History"]

CUT = "[interrupted]"
"""Stands where the user broke into what we said, and heard no more of it."""

LONGEST = 40
"""Entries: twenty exchanges, more than a call has, and what a small model takes in."""


class History:
    """Roles and contents, oldest first; the oldest give way."""

    def __init__(self) -> None:
        self._said: deque[tuple[str, str]] = deque(maxlen=LONGEST)

    def add(self, turn: Turn, *, whole: bool = True) -> None:
        """A turn whose account is closed; not `whole`: the user went on before he was answered, and
        what he said is part of what he said then."""
        if turn.heard and whole:
            self._said.append(("user", turn.heard))
        if turn.said:
            cut = f" {CUT}" if turn.interrupted else ""
            self._said.append(("assistant", turn.said + cut))

    def __call__(self) -> tuple[tuple[str, str], ...]:
        return tuple(self._said)
