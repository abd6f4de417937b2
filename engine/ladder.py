"""The ladder: ways to do the same thing, best first, each under what is left of a deadline.

A rung is left when its deadline passes, when it fails, or beforehand when its recent p95 says that
it will be late. The last rung has no deadline: it is the one that cannot be late. Every step down
is counted and reported; none leaves silence.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from engine.clock import Clock
from engine.errors import StageError

__all__ = ["WINDOW", "Ladder", "Rung", "StepDown", "p95"]

T = TypeVar("T")

WINDOW = 50
"""Recent durations that a rung's p95 is taken over."""
ENOUGH = 8
"""Durations needed before p95 is believed."""
PROBE_S = 30.0
"""A rung that was left beforehand is tried again after this long."""


@dataclass(frozen=True, slots=True)
class StepDown:
    """The rung `left`, and why: ``late``, ``predicted`` or the code of an error."""

    left: str
    why: str


def p95(recent: Sequence[float]) -> float | None:
    """The 95th percentile of `recent`; None while there are fewer than `ENOUGH`."""
    return sorted(recent)[int(0.95 * (len(recent) - 1))] if len(recent) >= ENOUGH else None


@dataclass(slots=True)
class Rung(Generic[T]):
    """One way to do it, with its recent durations (seconds)."""

    name: str
    run: Callable[..., Awaitable[T]]
    recent_s: deque[float] = field(default_factory=lambda: deque(maxlen=WINDOW))
    tried_at: float = float("-inf")

    def p95_s(self) -> float | None:
        """The 95th percentile of recent durations; None while there are too few."""
        return p95(self.recent_s)


class Ladder(Generic[T]):
    """Rungs shared by all turns of a process, so that what one learns serves the next."""

    def __init__(self, rungs: Sequence[Rung[T]], clock: Clock) -> None:
        if not rungs:
            raise ValueError("a ladder needs a rung")
        self.rungs = tuple(rungs)
        self._clock = clock

    async def climb_down(
        self, deadline: float, *args: object, on_step: Callable[[StepDown], None]
    ) -> T:
        """The result of the best rung that meets `deadline` (seconds on the clock).

        `args` go to the rung. Raises what the last rung raises. Cancelling is safe if it is for
        the rungs.
        """
        for rung in self.rungs[:-1]:
            now = self._clock.now()
            p95 = rung.p95_s()
            if p95 is not None and now + p95 > deadline and now - rung.tried_at < PROBE_S:
                on_step(StepDown(rung.name, "predicted"))
                continue
            rung.tried_at = now
            try:
                async with asyncio.timeout(max(0.0, deadline - now)):
                    result = await rung.run(*args)
            except TimeoutError:
                rung.recent_s.append(self._clock.now() - now)
                on_step(StepDown(rung.name, "late"))
            except StageError as error:
                on_step(StepDown(rung.name, error.code))
            else:
                rung.recent_s.append(self._clock.now() - now)
                return result
        return await self.rungs[-1].run(*args)
