"""The ladder: ways to do the same thing, best first, each under what is left of a deadline.

A rung is left when its deadline passes, when it fails, or beforehand when its recent p95 says that
it will be late. The last rung has no deadline: it is the one that cannot be late. Every step down
is counted and reported; none leaves silence.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from engine.clock import Clock
from engine.errors import StageError

__all__ = ["WINDOW", "Ahead", "Ladder", "Rung", "StepDown", "p95"]

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


class Ahead(Generic[T]):
    """The work of the best rung on `args`, begun before it is asked for.

    Nobody need ask: `discard` ends it, and what it would have raised is not.
    """

    def __init__(
        self,
        rung: Rung[T],
        args: tuple[object, ...],
        clock: Clock,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
    ) -> None:
        self.args = args
        self.began = clock.now()
        self._rung = rung
        self._clock = clock
        self._result: list[T] = []
        self._error: Exception | None = None
        self._task = spawn(self._work())

    async def _work(self) -> None:
        try:
            self._result.append(await self._rung.run(*self.args))
        except Exception as error:  # noqa: BLE001  raised where the result is asked for
            self._error = error
        else:
            self._rung.recent_s.append(self._clock.now() - self.began)

    async def result(self) -> T:
        """What the rung says, or raises. Cancelling ends the work."""
        await self._task
        if self._error is not None:
            raise self._error
        return self._result[0]

    def discard(self) -> None:
        """Whatever was begun is not needed."""
        self._task.cancel()


class Ladder(Generic[T]):
    """Rungs shared by all turns of a process, so that what one learns serves the next."""

    def __init__(self, rungs: Sequence[Rung[T]], clock: Clock) -> None:
        if not rungs:
            raise ValueError("a ladder needs a rung")
        self.rungs = tuple(rungs)
        self._clock = clock

    def begin(
        self,
        spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]],
        *args: object,
    ) -> Ahead[T] | None:
        """Begin the best rung's work on `args`, which will probably be asked for, in a task that
        `spawn` makes. None where there is one rung only: that one is never late."""
        if len(self.rungs) == 1:
            return None
        return Ahead(self.rungs[0], args, self._clock, spawn)

    async def climb_down(
        self,
        deadline: float,
        *args: object,
        on_step: Callable[[StepDown], None],
        ahead: Ahead[T] | None = None,
    ) -> T:
        """The result of the best rung that meets `deadline` (seconds on the clock).

        `args` go to the rung. Raises what the last rung raises. Cancelling is safe if it is for
        the rungs. `ahead` is taken for the best rung's work if it was begun on the same `args`,
        and discarded otherwise.
        """
        if ahead is not None and ahead.args != args:
            ahead.discard()
            ahead = None
        for rung in self.rungs[:-1]:
            now = self._clock.now()
            begun, ahead = ahead, None
            p95 = rung.p95_s()
            late = p95 is not None and now + p95 > deadline and now - rung.tried_at < PROBE_S
            if late and begun is None:
                on_step(StepDown(rung.name, "predicted"))
                continue
            rung.tried_at = now
            try:
                async with asyncio.timeout(max(0.0, deadline - now)):
                    result = await (rung.run(*args) if begun is None else begun.result())
            except TimeoutError:
                rung.recent_s.append(self._clock.now() - (now if begun is None else begun.began))
                on_step(StepDown(rung.name, "late"))
            except StageError as error:
                on_step(StepDown(rung.name, error.code))
            else:
                if begun is None:
                    rung.recent_s.append(self._clock.now() - now)
                return result
        return await self.rungs[-1].run(*args)
