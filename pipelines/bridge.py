"""The bridge over a late answer: when a filler is said, and when none is any more."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from engine.clock import Clock
from engine.ladder import StepDown
from engine.turn import Turn
from pipelines.audio.ticker import TICK_S
from pipelines.speech.fillers import AGAIN_S, MOST, Fillers

__all__ = ["Bridge"]

BYTES_PER_S = 32000
"""16 kHz, s16le."""


class Bridge:
    """Says `fillers` through `say(turn, text, pcm)` while no sound of an answer has come.

    `held` tells whether the user speaks, who is not spoken over. Needs a running loop from `expect`
    to `stop`.
    """

    def __init__(
        self, say: Callable[[Turn, str, bytes], None], held: Callable[[], bool], clock: Clock
    ) -> None:
        self.fillers: Fillers | None = None
        self.works = False
        """Something is being looked up or written."""
        self._say = say
        self._held = held
        self._clock = clock
        self._timer: asyncio.TimerHandle | None = None
        self._since = 0.0
        self._said = 0

    def expect(self, turn: Turn) -> None:
        """The answer of `turn` is being made from now on."""
        self.works = False
        self._said = 0
        self._since = now = self._clock.now()
        if self.fillers is not None and (due := self.fillers.due(turn, now)) is not None:
            at, step = due
            self._later(at - now, turn, step)

    def came(self) -> None:
        """The first sound of the answer is there."""
        if self._timer is not None and self.fillers is not None:
            self.fillers.lateness.took(self._clock.now() - self._since)
        self.stop()

    def stop(self) -> None:
        """No filler is wanted any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _later(self, seconds: float, turn: Turn, step: StepDown) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, seconds), self._fill, turn, step)

    def _fill(self, turn: Turn, step: StepDown) -> None:
        assert self.fillers is not None
        if self._held():
            self._later(TICK_S, turn, step)
        elif (
            self._said < MOST
            and (filler := self.fillers.choose(turn.heard, works=self.works)) is not None
        ):
            self._said += 1
            turn.steps_down.append(step)
            turn.bridging = True
            self._say(turn, *filler)
            again_s = len(filler[1]) / BYTES_PER_S + AGAIN_S
            self._later(again_s, turn, replace(step, why="late"))
