"""A run of the rig: what it says, how it ends, and that a failing call can be played again."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server.admission import Admission
from server.cli import app
from server.sim.report import growth
from server.sim.run import Batch, Plan, Result, run
from server.talk.turn_taking import TurnTaking


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PALABRE_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "sim-cache"))
        yield


def palabre(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["sim", "--workers", "1", "--minutes", "0.2", *arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.output


def test_a_run_says_what_it_saw() -> None:
    code, output = palabre("--calls", "3", "--faults")
    assert code == 0, output
    for title in ("simulated", "measured at the far end", "violated", "nothing after clear"):
        assert title in output
    assert re.search(r"3 calls, .* of talk .* calls a CPU second", output)


def test_a_violation_fails_the_run_and_can_be_replayed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Admission, "leave", lambda self: None)
    code, output = palabre("--calls", "2", "--seed", "5")
    assert code == 1
    assert "1 slots" in output
    found = re.search(r"palabre sim (--replay 5 --minutes 0.2 -v)", output)
    assert found
    code, output = palabre(*found[1].split())
    assert code == 1
    assert "nothing is left: 1 slots" in output
    assert "engine, 1: Bonjour" in output
    monkeypatch.undo()
    code, output = palabre("--replay", "5")
    assert code == 0
    assert "call 5: 0 violations" in output


def test_an_interrupted_run_says_what_it_saw(monkeypatch: pytest.MonkeyPatch) -> None:
    from server.sim import run as module

    play = module._play_all
    played: list[int] = []

    def interrupted(plan: Plan, seeds: Sequence[int]) -> Batch:
        if played:
            raise KeyboardInterrupt
        played.append(seeds[0])
        return play(plan, seeds)

    monkeypatch.setattr(module, "CHUNK", 2)
    monkeypatch.setattr(module, "_play_all", interrupted)
    code, output = palabre("--calls", "8")
    assert code == 0
    assert "2 calls, " in output


def test_a_model_that_is_not_there_is_said_so() -> None:
    code, output = palabre("--record", "--model", "nowhere")
    assert code == 2
    assert "nowhere" in output


@pytest.mark.integration
def test_several_processes_play_the_same_calls(tmp_path: Path) -> None:
    plan = Plan(26, 1, 0.1, faults=True, cache_dir=tmp_path)
    alone: list[Result] = []
    together: list[Result] = []
    run(plan, 1, lambda batch: alone.extend(batch.results))
    run(plan, 2, lambda batch: together.extend(batch.results))
    assert sorted(together, key=lambda r: r.seed) == alone


def _batch(worker: int, objects: int) -> Batch:
    result = Result(1, "clean", False, 1.0, "caller", 1, (), TurnTaking())
    return Batch(worker, [result] * 50, 1.0, objects)


def test_memory_that_grows_with_each_call_is_seen() -> None:
    leaking = [_batch(1, 100_000 + 1000 * n) for n in range(8)]
    assert growth(leaking).leaks
    assert growth(leaking).per_call == 20.0
    filling = [_batch(1, objects) for objects in (100, 9000, 9100, 9100, 9110, 9110)]
    assert not growth(filling).leaks
    assert not growth([_batch(1, 5), _batch(2, 9000)]).leaks  # of two processes


def test_what_one_process_was_told_of_is_no_growth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its batches stay in it, where those of other processes do not."""

    def played(plan: Plan, seeds: Sequence[int]) -> Batch:
        results = [
            Result(seed, "clean", False, 1.0, "caller", 1, (), TurnTaking()) for seed in seeds
        ]
        gc.collect()
        return Batch(1, results, 1.0, len(gc.get_objects()))

    monkeypatch.setattr("server.sim.run._play_all", played)
    monkeypatch.setattr("server.sim.run.prepare", lambda cache_dir: None)
    batches: list[Batch] = []
    run(Plan(1000, 1, 0.1, faults=False), 1, batches.append)
    assert abs(growth(batches).per_call) < 1
