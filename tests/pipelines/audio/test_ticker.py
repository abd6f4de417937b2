"""One clock tick for all calls."""

from __future__ import annotations

import asyncio

from engine.clock import LoopClock
from pipelines.audio.ticker import TICK_S, Ticker
from tests.virtual import virtual


@virtual
async def test_every_subscriber_every_tick_until_removed() -> None:
    ticker, seen = Ticker(LoopClock()), list[tuple[str, float]]()
    start = LoopClock().now()
    ticker.add("a", lambda now: seen.append(("a", round(now - start, 3))))
    ticker.add("b", lambda now: seen.append(("b", round(now - start, 3))))
    await asyncio.sleep(0.05)
    ticker.remove("b")
    await asyncio.sleep(0.02)
    ticker.remove("a")
    ticker.remove("a")
    await asyncio.sleep(1.0)
    assert seen == [("a", 0.02), ("b", 0.02), ("a", 0.04), ("b", 0.04), ("a", 0.06)]


class _Stalling(LoopClock):
    """A clock that can be pushed on, as a stall of the loop does."""

    ahead = 0.0

    def now(self) -> float:
        return super().now() + self.ahead


@virtual
async def test_stalls_are_seen_as_lag_and_their_ticks_are_not_repeated() -> None:
    clock, ticks = _Stalling(), list[float]()
    ticker = Ticker(clock)
    ticker.add("a", ticks.append)
    await asyncio.sleep(1.0)
    assert ticker.lag_s() < 1e-6
    for _ in range(20):
        clock.ahead += 0.05
        await asyncio.sleep(0.02)
    assert ticker.lag_s() > 0.025
    assert len(ticks) <= 50 + 2 * 20
    ticker.remove("a")
    await asyncio.sleep(5.0)
    assert ticker.lag_s() == 0.0


@virtual
async def test_a_fault_in_one_call_is_not_its_neighbours() -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    ticker, seen = Ticker(LoopClock()), list[float]()

    def broken(now: float) -> None:
        raise ValueError("no")

    ticker.add("broken", broken)
    ticker.add("good", seen.append)
    await asyncio.sleep(2.5 * TICK_S)
    ticker.remove("broken")
    ticker.remove("good")
    assert len(seen) == len(faults) == 2


@virtual
async def test_the_last_subscriber_may_leave_during_its_tick() -> None:
    ticker = Ticker(LoopClock())
    ticker.add("a", lambda now: ticker.remove("a"))
    await asyncio.sleep(1.0)
    assert len(ticker) == 0
    ticker.add("a", lambda now: ticker.remove("a"))
    await asyncio.sleep(1.0)
    assert len(ticker) == 0
