import time

import pytest

from engine.clock import Clock, LoopClock, SystemClock
from tests.virtual import START_S, virtual


def test_the_systems_clock_is_monotonic_and_its_wall_is_utc() -> None:
    clock: Clock = SystemClock()
    before, now, after = time.monotonic(), clock.now(), time.monotonic()
    assert before <= now <= after
    before, wall, after = time.time(), clock.wall(), time.time()
    assert before <= wall <= after


@virtual
async def test_the_loops_clock_is_the_loops() -> None:
    clock: Clock = LoopClock()
    assert clock.now() == clock.wall() == START_S


def test_the_loops_clock_needs_a_loop() -> None:
    with pytest.raises(RuntimeError):
        LoopClock().now()
