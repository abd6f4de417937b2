"""What the server sent in a call, by turn, and what of it should not have been. Sans-I/O."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

__all__ = ["Account"]


class Account:
    """Takes every message in the order in which it came; `at_s` is after the call's start.

    A turn is cancelled by its `clear`, or, for a far end that cannot clear, when the state goes
    from paused to listening. Sound belongs to the turn of the last `reply`.
    """

    def __init__(self) -> None:
        self.turn = 0
        self.sound: defaultdict[int, bytearray] = defaultdict(bytearray)
        self.line: dict[int, str] = {}
        """The first words of each turn: those that are alike sound alike."""
        self.events: defaultdict[int, list[tuple[str, float]]] = defaultdict(list)
        """By turn: ``paused``, ``responding``, ``listening``, ``pause``, ``resume``, ``clear``."""
        self.cancelled: set[int] = set()
        self.ended: set[int] = set()
        """Turns whose ledger says that nobody interrupted them."""
        self.sent_after_cancel = 0
        """Messages of sound, marks and lines of a turn that had been cancelled."""
        self.sent_while_paused = 0
        """Messages of sound between `pause` and `resume`."""
        self._paused = False
        self._state = ""

    def received(self, pcm: bytes) -> None:
        """A BINARY message."""
        self.sound[self.turn] += pcm
        self.sent_after_cancel += self.turn in self.cancelled
        self.sent_while_paused += self._paused

    def passed(self, message: dict[str, Any], at_s: float) -> None:
        """A TEXT message."""
        match message:
            case {"type": "reply", "turn": int(turn), "text": str(text)}:
                self.sent_after_cancel += turn in self.cancelled
                self.turn = turn
                self.line.setdefault(turn, text)
            case {"type": "mark", "name": str(name)}:
                self.sent_after_cancel += int(name.partition(".")[0]) in self.cancelled
            case {"type": "pause" | "resume" | "clear" as kind, "turn": int(turn)}:
                self._paused = kind == "pause"
                self.events[turn].append((kind, at_s))
                if kind == "clear":
                    self.cancelled.add(turn)
            case {"type": "state", "state": str(state)}:
                self.events[self.turn].append((state, at_s))
                if self._state == "paused" and state == "listening":
                    self.cancelled.add(self.turn)
                self._state = state
            case {"type": "turn", "turn": int(turn), "interrupted": False}:
                self.ended.add(turn)
            case _:
                pass
