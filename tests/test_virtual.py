import asyncio
import contextlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.clock import LoopClock
from tests.virtual import START_S, NoRealIO, Stuck, run, virtual


@virtual
async def test_an_hour_goes_by_at_once() -> None:
    loop = asyncio.get_running_loop()
    began = time.monotonic()
    assert loop.time() == LoopClock().now() == START_S
    await asyncio.sleep(3600)
    assert loop.time() == pytest.approx(START_S + 3600)
    assert time.monotonic() - began < 60


@virtual
async def test_timers_fire_in_their_order_and_at_their_time() -> None:
    loop = asyncio.get_running_loop()
    fired: dict[str, float] = {}

    def fire(name: str) -> None:
        fired[name] = loop.time() - START_S

    for name, delay in (("late", 0.3), ("early", 0.1), ("middle", 0.2)):
        loop.call_later(delay, fire, name)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.25):
            await loop.create_future()
    assert fired == pytest.approx({"early": 0.1, "middle": 0.2})
    await asyncio.sleep(0.1)
    assert list(fired) == ["early", "middle", "late"]


@virtual
async def test_the_clock_stands_still_while_something_is_ready() -> None:
    loop = asyncio.get_running_loop()
    loop.call_later(0.001, pytest.fail, "the clock moved")
    for _ in range(1000):
        await asyncio.sleep(0)
    assert loop.time() == START_S


@given(delays=st.lists(st.floats(0, 1000), max_size=20))
@virtual
async def test_no_timer_is_early(delays: list[float]) -> None:
    loop = asyncio.get_running_loop()

    async def sleep(delay: float) -> float:
        await asyncio.sleep(delay)
        return loop.time()

    ends = await asyncio.gather(*map(sleep, delays))
    assert list(ends) == [pytest.approx(START_S + delay, abs=1e-8) for delay in delays]


def test_the_result_is_returned_and_an_error_is_itself() -> None:
    async def answer() -> int:
        return 42

    async def fail() -> None:
        raise LookupError("as it is")

    assert run(answer()) == 42
    with pytest.raises(LookupError, match="as it is"):
        run(fail())


def test_a_loop_that_would_hang_says_so_and_ends_its_tasks() -> None:
    ended = []

    async def wait_for_nothing() -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(True)

    with pytest.raises(Stuck, match="nothing is scheduled"):
        run(wait_for_nothing())
    assert ended


def test_a_test_that_goes_on_for_weeks_is_stopped() -> None:
    async def poll() -> None:
        again = asyncio.Event()
        while not again.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(again.wait(), 3600)

    with pytest.raises(Stuck, match="never happens"):
        run(poll())


def test_a_task_that_is_left_fails_the_test() -> None:
    async def leave_one() -> None:
        asyncio.get_running_loop().create_task(asyncio.sleep(60), name="left over")
        await asyncio.sleep(0)

    with pytest.raises(AssertionError, match="left over"):
        run(leave_one())


def test_a_task_that_fails_while_it_is_ended_does_not_hide_the_first_error() -> None:
    async def stubborn() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            raise LookupError("second")

    async def leave_one() -> None:
        task = asyncio.get_running_loop().create_task(stubborn())
        await asyncio.sleep(0)
        assert task.done(), "first"

    with pytest.raises(AssertionError, match="first"):
        run(leave_one())


def test_real_io_is_refused() -> None:
    async def connect() -> None:
        await asyncio.open_connection("localhost", 9)

    async def listen() -> None:
        server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
        server.close()

    for use in (connect, listen):
        with pytest.raises(NoRealIO, match="real loop"):
            run(use())
