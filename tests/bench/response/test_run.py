"""A short run against the real server: real voices, real recogniser, real time."""

import asyncio
import json
import os
from pathlib import Path

import pytest

from bench.errors import ServerError
from bench.quiet import Cores
from bench.response.callers import CallPlan, plan_calls
from bench.response.report import Report
from bench.response.run import Bench, measure_calls, voices
from bench.response.turns import CallResult
from bench.served import own_command

pytestmark = pytest.mark.integration

CORE = min(os.sched_getaffinity(0))


def bench(logs: Path, palabre: tuple[str, ...]) -> Bench:
    return Bench(palabre, "webrtc", 1, Cores(CORE, max(os.sched_getaffinity(0))), logs)


def ignore(plan: CallPlan, result: CallResult | None = None) -> None:
    pass


def test_a_turn_is_measured_at_the_far_end_and_explained(tmp_path: Path) -> None:
    made = bench(tmp_path / "logs", own_command())
    plans = plan_calls(2, voices(), seed=1)
    results = asyncio.run(measure_calls(made, plans, budget_s=0.0, began=ignore, told=ignore))
    (result,) = results
    assert len(result.turns) == 2
    assert result.unanswered == 0
    for turn in result.turns:
        assert 100 < turn.gap_ms < 2000
        assert sum(turn.spans_ms.values()) == pytest.approx(turn.gap_ms, abs=0.1)
        assert 0 <= turn.far_frame_ms <= 20.1
    report = Report(tmp_path, {"cpu": "some", "date": "2026-01-01"}, made, results)
    paths = report.write()
    document = json.loads(paths[0].read_text(encoding="utf-8"))
    assert document["turns"] == 2
    assert "<svg" in paths[1].read_text(encoding="utf-8")
    assert [table.row_count for table in report.tables()] == [11, 1]
    assert "of 400" in report.lines()[0]


def test_a_server_that_does_not_start_is_told(tmp_path: Path) -> None:
    made = bench(tmp_path, ("/bin/sh", "-c", "echo no model; exit 1"))
    with pytest.raises(ServerError, match="no model"):
        asyncio.run(measure_calls(made, [], budget_s=0.0, began=ignore, told=ignore))
