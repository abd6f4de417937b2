import dataclasses
import io
import json
import math
from pathlib import Path

import pytest
from rich.console import Console

from bench.density.cli import parse_calls
from bench.density.report import Report, capacities, capacity_text, plot, table, verdict
from bench.density.row import Bench, Row
from bench.density.script import Script
from bench.density.servers import SERVERS, Kit
from bench.errors import BenchError
from bench.machine import Noise
from bench.stats import Summary

QUIET = Noise(0.0, 0.0, 0.0, 0.0, 0.0)
BENCH = Bench(
    script=Script(frames=(), speech_start_frame=202, speech_end_frame=351, vad_release_ms=120.0),
    kit=Kit(palabre=("palabre",), pipecat_python="python", features="", log_directory=Path()),
    vad="webrtc",
    server_core=0,
    client_core=1,
)


def row(server: str = "palabre", calls: int = 100, **changes: object) -> Row:
    made = Row(
        server=server,
        vad="webrtc",
        calls=calls,
        window_s=7.04,
        cpu_percent=0.1 * calls,
        rss_idle_mb=40.0,
        rss_mb=40.0 + 0.5 * calls,
        response_ms=Summary.of([260.0]),
        endpointing_ms=250.0,
        overhead_ms=Summary.of([10.0]),
        lateness_ms=Summary.of([1.0]),
        pace_lateness_ms=Summary.of([]),
        lead_ms=0.0,
        replies={"expected": calls, "complete": calls, "short": 0, "missing": 0, "too_long": 0},
        stray_ms=0.0,
        lost_calls={},
        errors={},
        client_lateness_ms=Summary.of([1.0]),
        client_cpu_percent=20.0,
        noise=QUIET,
    )
    return dataclasses.replace(made, **changes)  # type: ignore[arg-type]


def over(server: str, calls: int) -> Row:
    return row(server, calls, lateness_ms=Summary.of([25.0]))


def test_a_row_is_sustained_when_all_is_heard_in_time() -> None:
    assert row().sustained
    assert not over("palabre", 100).sustained
    assert not row(lost_calls={"refused with 503": 1}).sustained
    assert not row(replies={"expected": 100, "complete": 99}).sustained
    assert not row(lateness_ms=Summary.of([])).sustained


def test_a_client_that_was_late_makes_a_row_invalid() -> None:
    assert not row(client_lateness_ms=Summary.of([6.0])).valid
    assert not row(client_cpu_percent=95.0).valid
    assert row().valid


def test_cost_is_told_by_call() -> None:
    assert row().cpu_per_call_percent == pytest.approx(0.1)
    assert row().rss_per_call_mb == pytest.approx(0.5)


def test_capacity_is_a_bracket() -> None:
    rows = [row(calls=300), row(calls=500), over("pipecat", 40), row("pipecat", 25)]
    found = capacities(rows)
    assert found == {
        "palabre": {"sustained": 500, "failed": None},
        "pipecat": {"sustained": 25, "failed": 40},
    }
    assert [capacity_text(bracket) for bracket in found.values()] == [
        "at least 500",
        "25 (not 40)",
    ]


def test_disturbed_failures_and_client_bound_rows_prove_nothing() -> None:
    disturbed = dataclasses.replace(
        over("palabre", 300), noise=dataclasses.replace(QUIET, server_core_others=30.0)
    )
    client_bound = row(calls=900, client_lateness_ms=Summary.of([30.0]))
    found = capacities([disturbed, client_bound])["palabre"]
    assert found == {"sustained": None, "failed": None}
    assert capacity_text(found) == "unknown"
    assert capacity_text({"sustained": None, "failed": 20}) == "below 20"


def test_a_pass_above_a_failure_is_not_the_capacity() -> None:
    rows = [over("pipecat", 30), row("pipecat", 40), row("pipecat", 20)]
    assert capacities(rows)["pipecat"] == {"sustained": 20, "failed": 30}


def test_the_json_has_every_measure_and_no_nan(tmp_path: Path) -> None:
    report = Report(tmp_path / "out", {"cpu": "x", "date": "2026-01-01T00:00:00"}, BENCH)
    report.add(row(response_ms=Summary.of([]), lateness_ms=Summary.of([])))
    paths = report.write()
    assert [path.name for path in paths] == ["density.json", "density.svg"]

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    told = json.loads(paths[0].read_text(), parse_constant=refuse)
    assert set(told) == {"bench", "machine", "settings", "capacity_calls_per_core", "rows"}
    assert told["settings"]["endpointing_ms"] == 240
    (only,) = told["rows"]
    assert {
        "server", "calls", "cpu_per_call_percent", "rss_per_call_mb", "voice_to_voice_ms",
        "overhead_ms", "lateness_ms", "pace_lateness_ms", "replies", "client",
        "noise_percent_of_core", "sustained", "problems",
    } <= set(only)  # fmt: skip
    assert only["lateness_ms"]["p99"] is None


def test_the_table_has_a_line_for_each_row() -> None:
    console = Console(width=112, file=io.StringIO())
    rows = [row(), over("pipecat", 40), row("bound", client_cpu_percent=99.0)]
    console.print(table(rows, title="density"))
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    for word in ("Palabre", "pipecat", "bare bound", "100/100", "over", "client", "0.100"):
        assert word in text
    assert verdict(row()) == "[green]ok[/]"


def test_the_plot_leaves_out_what_was_not_measured() -> None:
    rows = [row(), over("pipecat", 40), row("bound", lateness_ms=Summary.of([math.nan]))]
    svg = plot(rows, title="t", subtitle="s")
    assert svg.count("<circle") == 5
    assert "one frame late" in svg


def test_each_server_is_held_to_the_silence_it_waits_for() -> None:
    assert SERVERS["palabre"].endpoint_ms("webrtc", 120.0) == 240
    assert SERVERS["pipecat"].endpoint_ms("webrtc", 120.0) == 120 + 240
    assert SERVERS["bound"].endpoint_ms("webrtc", 120.0) == 120 + 240
    assert SERVERS["pipecat"].endpoint_ms("silero", 0.0) == 256
    assert SERVERS["bound"].endpoint_ms("silero", 0.0) == 256


def test_our_server_is_started_as_documented() -> None:
    command = SERVERS["palabre"].command(BENCH.kit, 9000, "silero")
    assert " ".join(command) == (
        "palabre serve --speech null --port 9000 --vad silero --endpoint-ms 240"
    )
    kit = dataclasses.replace(BENCH.kit, features="mark,clear")
    assert SERVERS["palabre"].target(kit) == "/media?rate=16000&features=mark,clear"
    assert SERVERS["bound"].target(kit) == "/media"


def test_calls_are_given_for_all_or_for_one() -> None:
    default = {"palabre": [1], "bound": [2]}
    servers = ["palabre", "bound"]
    assert parse_calls([], servers, default) == default
    assert parse_calls(["5,6"], servers, default) == {"palabre": [5, 6], "bound": [5, 6]}
    assert parse_calls(["5", "bound=7"], servers, default) == {"palabre": [5], "bound": [7]}


@pytest.mark.parametrize("given", ["x", "5,", "0", "palabre=", "nobody=5"])
def test_other_calls_are_refused(given: str) -> None:
    with pytest.raises(BenchError, match="--calls"):
        parse_calls([given], ["palabre"], {"palabre": [1]})


def test_an_unknown_server_is_refused() -> None:
    with pytest.raises(BenchError, match="no server"):
        parse_calls([], ["nobody"], {})
