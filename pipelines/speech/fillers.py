"""Fillers: a few words while an answer is late, chosen by occasion, never the same twice in a row.

    answer -> filler -> answer

The filler is a rung of the turn's ladder: left for it is ``answer``, because it is ``late`` or, as
the last ones were, ``predicted`` to be. The answer is still made behind it, and follows it.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from engine.budget import LatencyBudget
from engine.ladder import WINDOW, StepDown, p95
from engine.turn import Turn
from pipelines.mind.language import LANGUAGES, asks, numbers, tokens

__all__ = ["Fillers", "Lateness"]

GRACE_S = 0.04
"""What comes at once (from the phrase cache) takes a few milliseconds: two frames."""

AGAIN_S = 2.5
"""After a filler, how long nothing may come before the next: a person says something by then."""

MOST = 2
"""Fillers in one turn; a third one is no comfort."""


@dataclass(slots=True)
class Lateness:
    """How long answers took that did not come at once, in seconds; shared by all calls."""

    recent_s: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))

    def took(self, seconds: float) -> None:
        if seconds > GRACE_S:
            self.recent_s.append(seconds)


class Fillers:
    """The fillers of one call. `lines` by occasion (``any``, ``question``, ``number``, ``work``);
    `sound` gives that of a line where there is any at hand; `seed` decides which is said."""

    def __init__(
        self,
        lines: Mapping[str, tuple[str, ...]],
        sound: Callable[[str], bytes | None],
        language: str,
        seed: str,
        *,
        lateness: Lateness | None = None,
        budget: LatencyBudget | None = None,
    ) -> None:
        self._lines = lines
        self._sound = sound
        self._language = LANGUAGES.get(language)
        self._chance = random.Random(seed)
        self._budget = budget or LatencyBudget()
        self._last = ""
        self.lateness = lateness or Lateness()

    def due(self, turn: Turn, now: float) -> tuple[float, StepDown] | None:
        """When a filler for `turn`, whose answer is being made since `now`, is due, and why. None
        where none is wanted: nobody waits for what nobody asked for."""
        if not turn.heard or not self._lines:
            return None
        deadline = self._budget.deadline(turn.marks, "speech")
        expected_s = p95(self.lateness.recent_s)
        if expected_s is not None and now + expected_s > deadline:
            return now + GRACE_S, StepDown("answer", "predicted")
        return deadline, StepDown("answer", "late")

    def choose(self, heard: str, *, works: bool) -> tuple[str, bytes] | None:
        """A line and its sound (s16le, 16 kHz), after the user said `heard`; `works` where
        something is looked up or written. None where no sound is at hand."""
        lines = self._lines.get(self._occasion(heard, works)) or self._lines.get("any", ())
        choice = [line for line in lines if line != self._last]
        if not choice:
            return None
        line = self._chance.choice(choice)
        sound = self._sound(line)
        if not sound:
            return None
        self._last = line
        return line, sound

    def _occasion(self, heard: str, works: bool) -> str:
        if works:
            return "work"
        if self._language is None:
            return "any"
        words = tokens(heard, self._language)
        if heard.rstrip().endswith("?") or asks(words, self._language):
            return "question"
        return "number" if numbers(words, self._language) else "any"
