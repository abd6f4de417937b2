import asyncio
import os
import sys
from dataclasses import dataclass

import pytest

from bench.machine import Noise
from bench.proc import process_cpu_s
from bench.quiet import Cores, Quiet, again_where_disturbed, watched
from bench.stats import Summary


def quiet(others: float = 0.0, lag_ms: float = 0.1) -> Quiet:
    return Quiet(Noise(0.0, others, 0.0, 0.0, 0.0), Summary.of([lag_ms]), 10.0, 5.0, 0.01)


@dataclass(frozen=True, slots=True)
class Result:
    item: str
    quiet: Quiet


def test_what_disturbs_is_said() -> None:
    assert not quiet().disturbed
    assert quiet().problems() == []
    assert quiet(30.0).problems() == ["others took 30 % of a core"]
    assert quiet(lag_ms=7.0).disturbed
    assert quiet(30.0, 7.0).problems()[1] == "the callers were late by 7.0 ms (p99)"
    assert quiet(30.0).as_json()["disturbed"] is True


@pytest.mark.asyncio
async def test_a_process_is_watched_for_as_long_as_the_block_lasts() -> None:
    core = min(os.sched_getaffinity(0))
    async with watched(os.getpid(), Cores(core, core)) as found:
        await asyncio.sleep(0.1)
    result = found.result()
    assert result.window_s >= 0.1
    assert 1 <= result.client_lag_ms.count <= 5


@pytest.mark.asyncio
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
async def test_a_process_of_the_benchs_own_is_none_of_the_others() -> None:
    cores = Cores(*sorted(os.sched_getaffinity(0))[:2])
    busy = await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
    try:
        async with (
            watched(os.getpid(), cores) as without,
            watched(os.getpid(), cores, beside=busy.pid) as beside,
        ):
            began_s = process_cpu_s(busy.pid)
            await asyncio.sleep(1.0)
            took_s = process_cpu_s(busy.pid) - began_s
    finally:
        busy.kill()
        await busy.wait()
    seen, left = (
        found.result().noise.server_core_others + found.result().noise.client_core_others
        for found in (without, beside)
    )
    assert took_s > 0
    assert left == pytest.approx(max(0.0, seen - 100 * took_s), abs=10)


@pytest.mark.asyncio
async def test_the_disturbed_are_measured_again_and_the_quieter_kept() -> None:
    first = {"a": 50.0, "b": 0.0, "c": 80.0}
    again = {"a": 60.0, "c": 2.0}
    made: list[str] = []

    async def measure(item: str) -> Result:
        noise = (again if item in made else first)[item]
        made.append(item)
        return Result(item, quiet(noise))

    kept = await again_where_disturbed("abc", measure, budget_s=60.0)
    assert made == ["a", "b", "c", "c", "a"]
    assert [one.item for one in kept] == ["a", "b", "c"]
    assert [one.quiet.noise.worst for one in kept] == [50.0, 0.0, 2.0]


@pytest.mark.asyncio
async def test_nothing_is_repeated_without_time_for_it() -> None:
    made: list[str] = []

    async def measure(item: str) -> Result:
        made.append(item)
        return Result(item, quiet(50.0))

    await again_where_disturbed("ab", measure, budget_s=0.0)
    assert made == ["a", "b"]
