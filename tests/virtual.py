"""An event loop with virtual time: what waits for seconds ends at once, and always the same.

    @virtual
    async def test_it_gives_up_after_a_minute() -> None:
        ...

The loop's clock stands still while anything is ready to run and jumps to the next timer when
nothing is, so that `asyncio.sleep`, `asyncio.timeout`, `call_later` and `engine.clock.LoopClock`
agree to the nanosecond. It starts at `START_S`: never at zero, where a wrong default would pass
unnoticed. Fixtures and parameters of the test work as ever; hypothesis runs a new loop for each
example (`@given` above `@virtual`).

There is no I/O on such a loop: a socket, a child process or a thread raises `NoRealIO`; a test
that needs one runs on a real loop (`@pytest.mark.asyncio`). A loop that would wait for ever raises
`Stuck` instead. A task that is left at the end fails the test.
"""

from __future__ import annotations

import asyncio
import functools
import selectors
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, NoReturn, ParamSpec, TypeVar

__all__ = ["START_S", "NoRealIO", "Stuck", "VirtualLoop", "run", "virtual"]

P = ParamSpec("P")
T = TypeVar("T")

START_S = 1000.0
"""What the clock of a new loop says."""

HORIZON_S = 7 * 24 * 3600.0
"""A test that lets more than a week go by waits for something that never happens."""


class Stuck(AssertionError):
    """Nothing is ready and nothing is scheduled: the loop would wait for ever."""


class NoRealIO(RuntimeError):
    """A loop with virtual time was asked for I/O, which happens in real time."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"a loop with virtual time has no {what}; "
            "run this test on a real loop (pytest.mark.asyncio)"
        )


class _Selector(selectors.BaseSelector):
    """Waits by moving the clock. Of files it knows the loop's own wake-up pipe only."""

    def __init__(self) -> None:
        self.now = START_S
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
        if timeout is None:
            raise Stuck("nothing is ready and nothing is scheduled: the test would hang here")
        self.now += max(0.0, timeout)
        if self.now > self._end:
            self._end = self.now + HORIZON_S  # the tasks that are left may end in peace
            raise Stuck(f"{HORIZON_S:.0f} s went by: the test waits for what never happens")
        return []


def _descriptor(fileobj: Any) -> int:
    return fileobj if isinstance(fileobj, int) else int(fileobj.fileno())


class VirtualLoop(asyncio.SelectorEventLoop):
    """Its `time()` is virtual. `run` and `virtual` make one and look after it."""

    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-9  # a timer is due when the clock was moved to it, rounded

    def time(self) -> float:
        return self._virtual.now

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Any, *args: Any
    ) -> NoReturn:
        raise NoRealIO("threads")

    async def create_server(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise NoRealIO("sockets")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run `main` on a new loop with virtual time. No task may be left when it returns."""
    loop = VirtualLoop()
    try:
        result = loop.run_until_complete(main)
        loop.run_until_complete(asyncio.sleep(0))  # what was told to end has a step to do so
        left = sorted(repr(task) for task in asyncio.all_tasks(loop))
        assert not left, "tasks outlive the test:\n  " + "\n  ".join(left)
    finally:
        try:
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
                task.exception()  # seen: what went wrong first is what the test reports


def virtual(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run the coroutine function `test` on a loop with virtual time."""

    @functools.wraps(test)
    def on_virtual_time(*args: P.args, **kwargs: P.kwargs) -> None:
        run(test(*args, **kwargs))

    return on_virtual_time
