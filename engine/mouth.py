"""The mouth: what a session answers through, be it speech or text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Protocol

from engine.flow import Think
from engine.frames import Say
from engine.turn import Turn

__all__ = ["Mouth", "Reply"]

Reply = AsyncIterator[Say | Think]
"""The lines of a turn, in order."""


class Mouth(Protocol):
    """Answers one turn at a time."""

    async def speak(self, turn: Turn, reply: Reply) -> None:
        """Deliver `reply`, and return when the far end has acknowledged it.

        Sets the turn's marks from FIRST_SENTENCE on, and lets `turn.said` grow with what is
        acknowledged. Raises StageError if it cannot. Cancelling is safe: it stops at once, and
        nothing of the turn is sent afterwards.
        """
        ...

    def reached(self, turn: Turn) -> None:
        """Bring `turn.said` of an interrupted turn up to what the far end really played."""
        ...
