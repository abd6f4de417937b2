"""Admission: a call that cannot be served well is refused before the running ones suffer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engine.errors import AdmissionError

__all__ = ["Admission"]

RETRY_S = 5
MAX_STT_LAG_S = 0.1
"""Age of sound once it is decoded, above which no call is added: a transcript's share of the budget
is 100 ms. Finals go before other sound, so they are still in time then. It is the age that says so
and not how much sound waits: a second of it is nothing for many cores, and late for one."""


class Admission:
    """Counts calls and says whether one more may come.

    `lag_s` and `stt_lag_s` are probes: how late ticks are, and how old sound is once decoded.
    """

    def __init__(
        self,
        capacity: int,
        max_lag_s: float,
        lag_s: Callable[[], float],
        stt_lag_s: Callable[[], float],
    ) -> None:
        self.active = 0
        self.refused = 0
        self.draining = False
        self._capacity = capacity
        self._max_lag_s = max_lag_s
        self._lag_s = lag_s
        self._stt_lag_s = stt_lag_s
        self._empty = asyncio.Event()
        self._empty.set()

    def obstacle(self) -> str | None:
        """Why no further call can come now; None if it can."""
        if self.draining:
            return "the server is stopping; call another one"
        if self._capacity and self.active >= self._capacity:
            return f"all {self._capacity} lines are busy"
        if self._lag_s() > self._max_lag_s:
            return f"the server is {self._lag_s() * 1000:.0f} ms behind"
        stt_lag_s = self._stt_lag_s()
        if stt_lag_s > MAX_STT_LAG_S:
            return f"recognition is {stt_lag_s * 1000:.0f} ms behind"
        return None

    def enter(self) -> None:
        """Take a place. Raises AdmissionError if there is none."""
        obstacle = self.obstacle()
        if obstacle is not None:
            self.refused += 1
            raise AdmissionError(f"{obstacle}; try again in {RETRY_S} s", RETRY_S)
        self.active += 1
        self._empty.clear()

    def leave(self) -> None:
        self.active -= 1
        if not self.active:
            self._empty.set()

    async def drained(self) -> None:
        """Wait until no call is left. Cancelling is safe."""
        await self._empty.wait()
