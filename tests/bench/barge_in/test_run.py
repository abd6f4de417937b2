"""A short run against the real server: real voices, real recogniser, real time."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from bench.barge_in.callers import Phase
from bench.barge_in.outcome import PhaseResult
from bench.barge_in.report import Report
from bench.barge_in.run import SCENARIO, Bench, measure_phases
from bench.quiet import Cores
from bench.served import own_command
from scenarios.script import load

pytestmark = pytest.mark.integration

CORE = min(os.sched_getaffinity(0))


def ignore(phase: Phase, result: PhaseResult | None = None) -> None:
    pass


def test_callers_speak_over_the_engine(tmp_path: Path) -> None:
    bench = Bench(
        palabre=own_command(),
        vad="webrtc",
        seed=1,
        voices=("fr+m1", "fr+f2"),
        interruptions=1,
        backchannels=1,
        cores=Cores(CORE, max(os.sched_getaffinity(0))),
        log_directory=tmp_path / "logs",
    )
    phases = [Phase("pause and clear", "mark,clear,pause", 2)]
    results = asyncio.run(measure_phases(bench, phases, budget_s=0.0, began=ignore, told=ignore))
    (result,) = results
    assert len(result.outcomes) == 4
    assert result.missed == 0
    assert result.sent_after_cancel == 0
    assert result.sent_while_paused == 0
    assert result.samples.wrong == 0
    assert all(one.silent_ms is not None for one in result.outcomes)
    report = Report(tmp_path, {"cpu": "some", "date": "2026-01-01"}, bench, results)
    paths = report.write()
    document = json.loads(paths[0].read_text(encoding="utf-8"))
    assert document["phases"][0]["interruptions"] == 2
    assert "<svg" in paths[1].read_text(encoding="utf-8")
    assert report.table().row_count == 1
    assert "of 150" in report.lines()[0]


def test_the_passage_ends_with_its_only_question() -> None:
    step = load(SCENARIO).steps["explain"]
    assert len(step.say) == 2
    assert step.say[-1].endswith("?")
