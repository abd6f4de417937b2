"""A short run against both real servers: real voices, real recogniser, real time."""

import asyncio
import os
from pathlib import Path

import pytest

from bench.quiet import Cores
from bench.served import own_command
from bench.turn_taking.callers import CONDITIONS
from bench.turn_taking.engines import ENGINES, Engine, Kit
from bench.turn_taking.run import Bench, EngineResult, measure

pytestmark = pytest.mark.integration

CORE = min(os.sched_getaffinity(0))


def ignore(_: object, __: object = None) -> None:
    pass


@pytest.mark.parametrize("name", ENGINES)
def test_callers_take_turns_with_an_engine(name: str, tmp_path: Path) -> None:
    if name == "pipecat":
        pytest.importorskip("pipecat", reason="the bench extra is not installed")
    result = asyncio.run(_measure(ENGINES[name], tmp_path))
    taken = result.whole()
    assert set(result.conditions) == {CONDITIONS[0].name, CONDITIONS[1].name}
    assert taken.turns >= 2
    assert taken.response_ms
    assert result.resumes.exact == result.resumes.resumed


async def _measure(engine: Engine, tmp_path: Path) -> EngineResult:
    import sys

    bench = Bench(
        Kit(own_command(), sys.executable, "vosk-fr-demo"),
        seed=1,
        rounds=1,
        seconds=10.0,
        cores=Cores(CORE, max(os.sched_getaffinity(0))),
        log_directory=tmp_path,
        conditions=CONDITIONS[:2],
    )
    (result,) = await measure(bench, [engine], began=ignore, told=ignore)
    return result
