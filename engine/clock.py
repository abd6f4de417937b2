"""Time is an argument: whatever needs to know or to wait asks a `Clock`.

Seconds on a monotonic clock, the one that stamps frames at the edge; `wall` is for records only.
`SystemClock` is the machine's; tests run an event loop whose own time is virtual, with `LoopClock`.
"""

from __future__ import annotations

import asyncio
import time
from typing import Protocol

__all__ = ["Clock", "LoopClock", "SystemClock"]


class Clock(Protocol):
    """Where time comes from."""

    def now(self) -> float:
        """Seconds on a monotonic clock."""
        ...

    def wall(self) -> float:
        """Seconds since 1970 in UTC, for the timestamps of records."""
        ...


class SystemClock:
    """The machine's clocks.

    Not `loop.time()`: uvloop caches that for a whole iteration and rounds it to milliseconds.
    """

    now = staticmethod(time.monotonic)
    wall = staticmethod(time.time)


class LoopClock:
    """The running event loop's own time: what tests use on a loop with virtual time."""

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    wall = now
