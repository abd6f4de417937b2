"""A report of literal calls."""

import json
from pathlib import Path

import pytest

from bench.quiet import Cores
from bench.turn_taking.callers import CONDITIONS
from bench.turn_taking.engines import ENGINES, Kit
from bench.turn_taking.outcome import Resumes
from bench.turn_taking.report import GOALS, Report, panel
from bench.turn_taking.run import Bench, EngineResult
from server.talk.turn_taking import Distraction, Interruption, TurnTaking, UserTurn


def answered(after_ms: float | None, *, pauses: int = 0) -> UserTurn:
    return UserTurn("answer", 0, 1000, pauses, after_ms, after_ms is None, 0)


FAST = TurnTaking(
    (answered(400), answered(500), answered(600, pauses=1)),
    (Interruption(1, 0, 120, resumed=False),),
    (Distraction("backchannel", 1, 0, right=False, lost=False),),
    4,
)
SLOW = TurnTaking(
    (answered(900), answered(None, pauses=1)),
    (Interruption(1, 0, None, resumed=False), Interruption(1, 0, 250, resumed=True)),
    (Distraction("backchannel", 1, 0, right=False, lost=True),),
    4,
    3,
    1,
)


def report(tmp_path: Path) -> Report:
    bench = Bench(Kit((), "", "demo"), 1, 1, 60.0, Cores(0, 1), tmp_path, CONDITIONS[:1])
    results = [
        EngineResult(ENGINES["palabre"], (), {"clean": FAST}, Resumes(2, 2)),
        EngineResult(ENGINES["pipecat"], (), {"clean": SLOW}, Resumes()),
    ]
    return Report(tmp_path, {"cpu": "some", "date": "2026-01-01"}, bench, results, {"clean": FAST})


def test_a_row_for_each_line_and_engine_then_all_then_the_rig(tmp_path: Path) -> None:
    assert report(tmp_path).table().row_count == 2 + 2 + 1


def test_verdicts_compare_with_the_goal_and_with_the_peer(tmp_path: Path) -> None:
    lines = report(tmp_path).lines()
    assert lines[0] == "response p95: [green]600 ms[/] of 700 ms; pipecat [green]900 ms[/]"
    assert lines[1] == "cut-off rate: [green]0.0 %[/] of 3.0 %; pipecat [green]50.0 %[/]"
    assert lines[2] == "yield p95: [green]120 ms[/] of 300 ms; pipecat [green]250 ms[/]"
    assert lines[3] == "backchannels, turn kept: [green]1.00[/] of 0.90; pipecat [green]0.00[/]"
    assert lines[4] == "false resumes: [green]0[/] of 0; pipecat [green]1[/]"
    assert "2 of 2" in lines[5]


def test_the_documents(tmp_path: Path) -> None:
    paths = report(tmp_path).write()
    document = json.loads(paths[0].read_text(encoding="utf-8"))
    ours, theirs = document["engines"]
    assert ours["all"]["response_latency_ms"]["p95"] == 600
    assert [goal["reached"] for goal in ours["goals"].values()] == [True] * len(GOALS)
    assert theirs["conditions"]["clean"]["missed_interruptions"] == 1
    assert document["rig"]["clean"]["counts"]["response_total"] == 3
    assert "Palabre, clean" in paths[1].read_text(encoding="utf-8")


def test_a_panel_of_nothing_has_no_figures() -> None:
    found = panel(TurnTaking())
    assert found["response_rate"] is found["selectivity_backchannel"] is None
    assert found["counts"]["response_total"] == 0


@pytest.mark.parametrize("goal", GOALS)
def test_a_goal_is_not_reached_by_having_no_figure(goal: object) -> None:
    assert not goal.reached(None)  # type: ignore[attr-defined]
