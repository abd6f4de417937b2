"""Who watches a call: what passes goes to each invariant, and what it says is broken is kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from server.talk.far_end import FarEnd, Message

__all__ = ["Ended", "Told", "Violation", "Watch"]


@dataclass(frozen=True, slots=True)
class Violation:
    """`invariant` was broken `at_s` seconds after the call's start."""

    invariant: str
    at_s: float
    what: str

    def __str__(self) -> str:
        return f"{self.at_s:8.3f} s  {self.invariant}: {self.what}"


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that is over, for the invariants of the whole."""

    far: FarEnd
    lasted_s: float
    """Until the route returned."""
    far_left: bool
    """The caller hung up, closed or vanished; else it was the engine."""
    left_at_s: float
    store_out: bool
    """The store was in trouble when it left, or later, or had not been asked again since."""
    vanished: bool
    """It left without a word: the engine cannot know at once."""
    cloud: bool
    """The voice streams: what an unfinished line comes to is an estimate."""
    spoken: Sequence[tuple[float, float]]
    """When the caller was heard, in seconds after the start."""
    most_waiting_bytes: int
    """That the engine wrote while the far end did not read. Where there were any, sound was left
    out."""
    patience_s: float
    """Silence that the faults of this call explain, on top."""
    left_over: Sequence[str]
    """Tasks, subscriptions, slots and timers that outlived it."""
    errors: Sequence[str]
    """Faults of the engine's own that it survived."""
    log: Sequence[tuple[str, dict[str, Any]]] | None
    """What the store has of the session; None if it was out of reach at the end."""
    marks: bool
    clears: bool
    arrived: Mapping[int, float]
    """When the first sound of each turn came, on the far end's clock."""


Told = Callable[[str], None]


class Watch:
    """Holds the violations of one call. An invariant has a `name`, and whatever it needs of `text`
    (a TEXT message of the engine's), `sound` (a BINARY one), `back` (a message of the far end's as
    it reaches the engine) and `end` (the call is over); all as it passes the engine's end of the
    wire."""

    MOST = 20
    """Violations that are kept of a call: the first ones say it."""

    def __init__(
        self, invariants: Sequence[Callable[[Told], Any]], now: Callable[[], float], start: float
    ) -> None:
        self.violations: list[Violation] = []
        self._now = now
        self._start = start
        made = [each(self._teller(each.name)) for each in invariants]  # type: ignore[attr-defined]
        self._text = [one.text for one in made if hasattr(one, "text")]
        self._sound = [one.sound for one in made if hasattr(one, "sound")]
        self._back = [one.back for one in made if hasattr(one, "back")]
        self._end = [one.end for one in made if hasattr(one, "end")]

    def _teller(self, name: str) -> Told:
        def tell(what: str) -> None:
            if len(self.violations) < self.MOST:
                self.violations.append(Violation(name, self._now() - self._start, what))

        return tell

    def sent(self, message: bytes | str) -> None:
        if isinstance(message, bytes):
            now = self._now()
            for sound in self._sound:
                sound(message, now)
            return
        parsed = json.loads(message)
        for text in self._text:
            text(parsed, self._now())

    def received(self, message: Message, now: float) -> None:
        for back in self._back:
            back(message, now)

    def ended(self, call: Ended) -> None:
        for end in self._end:
            end(call)
