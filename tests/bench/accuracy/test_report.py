import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from bench.accuracy.measure import Row
from bench.accuracy.picture import Dots, render
from bench.accuracy.report import Blank, Report
from bench.accuracy.systems import Unmeasured
from bench.accuracy.wer import Tally
from bench.stats import Summary

MACHINE: dict[str, object] = {"cpu": "some", "date": "2026-01-01T00:00:00+00:00"}
COSTS: dict[str, Any] = {
    "load_ms": 11.0,
    "memory_mb": 7.0,
    "real_time_factor": 0.011,
    "streams_per_core": {
        "carried": 40,
        "not_carried": 44,
        "probes": [
            {
                "first_interim_ms": {"p50": 300.0, "p95": 400.0},
                "final_ms": {"p50": 2.0, "p95": None},
                "others_percent": 12.0,
            }
        ],
    },
}


def row(system: str, group: str = "espeak, seen", wrong: int = 1) -> Row:
    tally = Tally({"oui"})
    tally.add(["oui", "merci"], ["oui", "merci"] if not wrong else ["oui"])
    made = Row(system, group, "clean 16 kHz", tally, Tally(), tally)
    made.closed.add(True)
    made.rejected.add(False)
    made.final_ms = Summary.of([5.0])
    return made


def report(tmp_path: Path) -> Report:
    made = Report(tmp_path / "new", MACHINE, {"language": "fr"})
    made.add(row("a"))
    made.add(row("b", wrong=0))
    made.add(row("b", "pico"))
    made.costs["a"] = COSTS
    made.unmeasured.append(Unmeasured("deepgram", "not measured: no key", "KEY=… bench"))
    made.blanks.append(Blank("human", "bench --recordings FOLDER"))
    return made


def text(cells: Any) -> list[str]:
    return [str(cell) for cell in cells]


def test_tables_have_a_row_for_each_and_blanks_for_what_was_not_measured(tmp_path: Path) -> None:
    accuracy, grammars, costs = report(tmp_path).tables()
    assert accuracy.row_count == grammars.row_count == 3
    assert text(accuracy.columns[4].cells) == ["50.0", "0.0", "50.0"]
    assert text(accuracy.columns[5].cells) == ["", "", ""]
    assert text(accuracy.columns[-1].cells) == ["5 ms"] * 3
    assert text(grammars.columns[4].cells) == ["100.0"] * 3
    assert text(costs.columns[0].cells) == ["a", "deepgram"]
    assert text(costs.columns[-1].cells) == ["40 (not 44)", ""]
    assert text(costs.columns[-2].cells) == ["2 –", ""]


def test_what_is_missing_comes_with_its_command(tmp_path: Path) -> None:
    cloud, people, noise = report(tmp_path).lines()
    assert "KEY=… bench" in cloud
    assert "--recordings FOLDER" in people
    assert "12 % of the core" in noise


def test_the_json_is_kept_with_every_row(tmp_path: Path) -> None:
    made = report(tmp_path)
    document = json.loads((tmp_path / "new" / "accuracy.json").read_text("utf-8"))
    assert len(document["rows"]) == 3
    paths = made.write()
    document = json.loads(paths[0].read_text("utf-8"))
    assert document["rows"][0]["wer_percent"] == 50.0
    assert document["costs"]["a"]["load_ms"] == 11.0
    assert document["not_measured"][0]["system"] == "deepgram"
    svg = ET.fromstring(paths[1].read_text("utf-8"))
    assert svg.tag.endswith("svg")


def test_a_dot_for_each_system_where_it_was_measured() -> None:
    rows = [Dots("g <1>", "clean", [0.0, 100.0]), Dots("h", "noise", [None, 25.0])]
    svg = render("Rates & errors", "some", ["a", "b"], rows)
    ET.fromstring(svg)
    dots = [part for part in svg.split("<circle") if "<title>" in part]
    assert len(dots) == 3
    assert "b, h, noise: 25.0 %" in svg
    left, right = (float(dot.split('cx="')[1].split('"')[0]) for dot in dots[:2])
    assert (left, right) == (150.0, 820.0)
