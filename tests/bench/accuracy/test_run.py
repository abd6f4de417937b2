"""A tiny run with the real recogniser, and the command around it."""

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from bench.accuracy import capacity
from bench.accuracy.conditions import CONDITIONS
from bench.accuracy.report import Report
from bench.accuracy.run import Plan, blanks, costs, run
from bench.accuracy.speakers import HUMAN, UNSEEN
from bench.accuracy.systems import System, Unmeasured, Vosk
from bench.cli import app
from bench.errors import BenchError, ServerError
from pipelines.speech.espeak import synthesise
from pipelines.speech.models import find_model

DEMO = find_model("fr", Path("nowhere")).path


def plan(tmp_path: Path, **options: object) -> Plan:
    made = {
        "language": "fr",
        "sentences": 2,
        "seed": 1,
        "conditions": CONDITIONS[:1],
        "voices": (UNSEEN,),
        "recordings": tmp_path / "none",
        "streams": False,
        **options,
    }
    return Plan(**made)  # type: ignore[arg-type]


@pytest.mark.integration
def test_a_run_fills_a_report(tmp_path: Path) -> None:
    report = Report(tmp_path, {"cpu": "some", "date": "2026-01-01"}, {})
    absent = Unmeasured("deepgram", "not measured: no key", "…")
    systems: list[System] = [Vosk("demo", DEMO), absent]
    began: list[str] = []

    async def go() -> None:
        await run(plan(tmp_path), systems, report, began=began.append, told=lambda row: None)

    asyncio.run(go())
    (row,) = report.rows
    assert (row.system, row.group, row.condition) == ("demo", UNSEEN, "clean 16 kHz")
    assert row.open.utterances == row.commands.utterances == 2
    assert row.closed.of > 30
    assert row.rejected.of > 30
    assert row.rejected.percent is not None
    assert row.rejected.percent > 90
    assert report.unmeasured == [absent]
    assert [blank.group for blank in report.blanks][-1] == HUMAN
    assert len(report.speakers[UNSEEN]) == 2
    assert began[1:] == ["demo: espeak, unseen, clean 16 kHz"]
    document = json.loads((tmp_path / "accuracy.json").read_text("utf-8"))
    assert document["rows"][0]["utterances"] == 2


@pytest.mark.integration
def test_nobody_of_that_name(tmp_path: Path) -> None:
    report = Report(tmp_path, {}, {})
    asked = plan(tmp_path, voices=("nobody",))

    async def go() -> None:
        await run(asked, [], report, began=lambda what: None, told=lambda row: None)

    with pytest.raises(BenchError, match="nobody here is called 'nobody'; there are: espeak, seen"):
        asyncio.run(go())


def test_who_is_missing_is_said_with_a_command(tmp_path: Path) -> None:
    synthesiser, people = blanks(plan(tmp_path), {})
    assert "--voice-command" in synthesiser.command
    assert "--recordings" in people.command
    assert [blank.group for blank in blanks(plan(tmp_path), {"pico": "…"})] == [HUMAN]


@pytest.mark.integration
def test_costs_are_those_of_a_program_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ServerError, match="could not be measured"):
        costs(tmp_path / "none", [bytes(32000)], None)


@pytest.mark.integration
@pytest.mark.asyncio
async def test_what_a_model_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capacity, "PROBES", 1)
    monkeypatch.setattr(capacity, "PROBE_S", 0.3)
    sound = bytes(3200) + synthesise("oui bien sûr", "fr") + bytes(7680)
    found = await capacity.measure(DEMO, [sound])
    assert found["load_ms"] > 0
    assert 0 < found["real_time_factor"] < 5
    assert len(found["streams_per_core"]["probes"]) == 1
    assert np.isfinite(found["memory_mb"])


def test_a_command_that_makes_no_sense_is_told(tmp_path: Path) -> None:
    for options, problem in (
        (["--sentences", "0"], "at least one"),
        (["--line", "smoke"], "no line begins with smoke"),
        (["--model", "/nowhere"], "there is no recogniser"),
        (["--voice-command", "pico"], "name=command"),
    ):
        done = CliRunner().invoke(app, ["accuracy", "--out", str(tmp_path), *options])
        assert done.exit_code == 1
        assert problem in done.output.replace("\n", " ")
