"""One ticker per process: wakes every call each 20 ms against absolute deadlines.

A timer per call would cost a heap operation and a wake-up each; one pass over all calls costs
neither, and its lateness is the loop's lag, which admission control watches.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from engine.clock import Clock

__all__ = ["TICK_S", "Ticker"]

TICK_S = 0.02
"""ptime of nearly all telephony, and what Asterisk's own timer uses."""

LAG_WINDOW_S = 5.0
"""What the lag is taken over: long enough for a percentile, short enough to forget a start."""


class Ticker:
    """Calls each subscriber with the time, every `TICK_S`, while there is any.

    After a stall it does not repeat the ticks that were missed: subscribers work against
    deadlines of their own and catch up.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._subscribers: dict[object, Callable[[float], None]] = {}
        self._due = 0.0
        self._handle: asyncio.TimerHandle | None = None
        self._lags: deque[tuple[float, float]] = deque(maxlen=round(LAG_WINDOW_S / TICK_S))

    def __len__(self) -> int:
        return len(self._subscribers)

    def add(self, key: object, tick: Callable[[float], None]) -> None:
        """Call `tick(now)` from the next tick on, until `remove(key)`."""
        self._subscribers[key] = tick
        if self._handle is None:
            self._due = self._clock.now() + TICK_S
            self._handle = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def remove(self, key: object) -> None:
        self._subscribers.pop(key, None)
        if not self._subscribers and self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def lag_s(self) -> float:
        """How late ticks came: the 95th percentile of the last 5 s; 0 where there were none."""
        since = self._clock.now() - LAG_WINDOW_S
        lags = sorted(lag for at, lag in self._lags if at >= since)
        return lags[int(0.95 * (len(lags) - 1))] if lags else 0.0

    def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        now = self._clock.now()
        self._lags.append((now, max(0.0, now - self._due)))
        for tick in tuple(self._subscribers.values()):
            try:
                tick(now)
            except Exception as error:  # noqa: BLE001 the border: one call's fault is not its neighbours'
                loop.call_exception_handler({"message": "a tick failed", "exception": error})
        if not self._subscribers:
            self._handle = None
            return
        self._due += TICK_S
        now = self._clock.now()
        if self._due < now:
            self._due = now + TICK_S - (now - self._due) % TICK_S
        self._handle = loop.call_later(self._due - now, self._tick)
