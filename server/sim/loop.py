"""An event loop with virtual time, and the world around it.

The loop's clock stands still while anything is ready to run and jumps to the next timer, or to the
next event of the world, when nothing is. `asyncio.sleep`, `asyncio.timeout`, `call_later` and
`engine.clock.LoopClock` agree to the nanosecond, and the same program does the same every time.

What comes from outside reaches a real loop through `select`, and so it does here: while the loop
waits, the `World` goes on, until something of it concerns the loop. There is no other I/O: a
socket, a child process or a thread raises `NoRealIO`. A loop that would wait for ever raises
`Stuck` instead.
"""

from __future__ import annotations

import asyncio
import heapq
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NoReturn, TypeVar

__all__ = ["START_S", "Leftover", "NoRealIO", "Stuck", "VirtualLoop", "World", "run"]

T = TypeVar("T")

START_S = 1000.0
"""What the clock of a new loop says: never zero, where a wrong default would pass unnoticed."""

HORIZON_S = 7 * 24 * 3600.0
"""A program that lets more than a week go by waits for something that never happens."""


class Stuck(AssertionError):
    """Nothing is ready and nothing is scheduled: the loop would wait for ever."""


class Leftover(AssertionError):
    """Tasks outlived the program."""


class NoRealIO(RuntimeError):
    """A loop with virtual time was asked for I/O, which happens in real time."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"a loop with virtual time has no {what}; "
            "run this test on a real loop (pytest.mark.asyncio)"
        )


class World:
    """What happens outside, in the order of time: `at` schedules it.

    Events are called with the time they are due, which the loop's clock may have passed: the world
    does not stall when the loop does.
    """

    def __init__(self) -> None:
        self._events: list[tuple[float, int, Callable[..., object], tuple[Any, ...]]] = []
        self._count = 0

    def at(self, due: float, event: Callable[..., object], *arguments: Any) -> None:
        """Call `event(due, *arguments)`; of two that are due together, the first asked for."""
        self._count += 1
        heapq.heappush(self._events, (due, self._count, event, arguments))

    def stop(self) -> None:
        """Nothing more happens."""
        self._events.clear()

    def next_due(self) -> float | None:
        return self._events[0][0] if self._events else None

    def step(self) -> None:
        due, _, event, arguments = heapq.heappop(self._events)
        event(due, *arguments)


class _Selector(selectors.BaseSelector):
    """Waits by moving the clock. Of files it knows the loop's own wake-up pipe only."""

    def __init__(self) -> None:
        self.now = START_S
        self.world = World()
        self.busy: Callable[[], object] = lambda: None
        self._end = START_S + HORIZON_S
        self._own: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        if self._own:
            raise NoRealIO("sockets, pipes or child processes")
        fd = _descriptor(fileobj)
        return self._own.setdefault(fd, selectors.SelectorKey(fileobj, fd, events, data))

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._own.pop(_descriptor(fileobj))

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._own[_descriptor(fileobj)]

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._own

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        until = None if timeout is None else self.now + max(0.0, timeout)
        world, before = self.world, self.busy()
        while (due := world.next_due()) is not None and (until is None or due <= until):
            self.now = max(self.now, due)
            self._mind_the_end()
            world.step()
            if self.busy() != before:
                return []
        if until is None:
            raise Stuck("nothing is ready and nothing is scheduled: the loop would wait for ever")
        self.now = max(self.now, until)
        self._mind_the_end()
        return []

    def _mind_the_end(self) -> None:
        if self.now > self._end:
            self._end = self.now + HORIZON_S  # the tasks that are left may end in peace
            raise Stuck(f"{HORIZON_S:.0f} s went by: it waits for what never happens")


def _descriptor(fileobj: Any) -> int:
    return fileobj if isinstance(fileobj, int) else int(fileobj.fileno())


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its `time()` is virtual. `run` makes one and looks after it."""

    _ready: Any
    _scheduled: Any

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self._virtual.busy = self._work
        self._clock_resolution = 1e-9  # a timer is due when the clock was moved to it, rounded

    def _work(self) -> tuple[int, int]:
        """Changes when an event of the world gives the loop something to do, or to wait for."""
        return len(self._ready), len(self._scheduled)

    @property
    def world(self) -> World:
        return self._virtual.world

    def time(self) -> float:
        return self._virtual.now

    def timers(self) -> list[asyncio.TimerHandle]:
        """Those that were set and neither fired nor were cancelled."""
        return [handle for handle in self._scheduled if not handle.cancelled()]

    def stall(self, seconds: float) -> None:
        """Lose `seconds` at once, as if something had held the loop: the world goes on."""
        self._virtual.now += seconds

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> NoReturn:
        raise NoRealIO("threads")

    async def create_server(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NoRealIO("sockets")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on a new loop. No task may be left when it returns (Leftover)."""
    loop = VirtualLoop()
    try:
        result = loop.run_until_complete(main)
        loop.run_until_complete(asyncio.sleep(0))  # what was told to end has a step to do so
        left = sorted(repr(task) for task in asyncio.all_tasks(loop))
        if left:
            raise Leftover("tasks outlive the test:\n  " + "\n  ".join(left))
    finally:
        try:
            loop.world.stop()
            _cancel_all(loop)
            loop.run_until_complete(loop.shutdown_asyncgens())
        finally:
            loop.close()
    return result


def _cancel_all(loop: VirtualLoop) -> None:
    if left := asyncio.all_tasks(loop):
        for task in left:
            task.cancel()
        loop.run_until_complete(asyncio.wait(left))
        for task in left:
            if not task.cancelled():
                task.exception()  # seen: what went wrong first is what is reported
