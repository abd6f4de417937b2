"""Tests in virtual time: what waits for seconds ends at once, and always the same.

    @virtual
    async def test_it_gives_up_after_a_minute() -> None:
        ...

`server.sim.loop` has the loop. Fixtures and parameters of the test work as ever; hypothesis runs a
new loop for each example (`@given` above `@virtual`). A test that needs real I/O runs on a real
loop (`@pytest.mark.asyncio`). A task that is left at the end fails the test.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec

from server.sim.loop import START_S, NoRealIO, Stuck, VirtualLoop, run

__all__ = ["START_S", "NoRealIO", "Stuck", "VirtualLoop", "run", "virtual"]

P = ParamSpec("P")


def virtual(test: Callable[P, Coroutine[Any, Any, None]]) -> Callable[P, None]:
    """Run the coroutine function `test` on a loop with virtual time."""

    @functools.wraps(test)
    def on_virtual_time(*args: P.args, **kwargs: P.kwargs) -> None:
        run(test(*args, **kwargs))

    return on_virtual_time
