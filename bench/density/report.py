"""What a run says: a table while it runs, then JSON and a plot."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from bench.density.row import LATENESS_LIMIT_MS, Bench, Row
from bench.density.script import (
    CYCLE_FRAMES,
    ENDPOINTING_MS,
    FRAME_MS,
    REPLY_MS,
    SENTENCE,
    WEBRTC_MODE,
)
from bench.density.servers import SERVERS
from bench.plot import Panel, Point, Series, render

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.stats import Summary

__all__ = ["Report", "capacities", "capacity_text", "plot", "table", "verdict"]

#: Blue, orange and grey stay apart for every common colour blindness.
COLOURS = {"palabre": "#2563eb", "pipecat": "#ea580c", "bound": "#6b7280"}


class Report:
    """The rows of a run, and the files that hold them."""

    def __init__(self, directory: Path, machine: dict[str, object], bench: Bench) -> None:
        self.rows: list[Row] = []
        self._directory = directory
        self._machine = machine
        self._bench = bench

    def add(self, row: Row) -> None:
        """Take a row; the JSON is written with each, so that a run cut short is kept."""
        self.rows.append(row)
        self._write_json()

    def table(self) -> Table:
        """All rows, by server."""
        order = list(SERVERS)
        rows = sorted(self.rows, key=lambda row: (order.index(row.server), row.calls))
        return table(rows, title=f"density, {self._bench.vad} VAD")

    def capacity_lines(self) -> list[str]:
        """Each server's capacity in words."""
        return [
            f"calls per core, {SERVERS[name].title}: [bold]{capacity_text(bracket)}[/]"
            for name, bracket in capacities(self.rows).items()
        ]

    def write(self) -> list[Path]:
        """Write JSON and plot; their paths."""
        path = self._directory / "density.svg"
        machine = self._machine
        subtitle = (
            f"{self._bench.vad} VAD, 3 s spoken and 3 s answered in turn; one core of "
            f"{machine['cpu']}, {str(machine['date'])[:10]}. Hollow: replies late or lost."
        )
        title = "What a duplex call costs, and how late it sounds"
        path.write_text(plot(self.rows, title=title, subtitle=subtitle))
        return [self._write_json(), path]

    def as_json(self) -> dict[str, object]:
        """The whole run; docs/bench/density.md describes it."""
        bench = self._bench
        return {
            "bench": "density",
            "machine": self._machine,
            "settings": {
                "vad": bench.vad,
                "webrtc_vad_mode": WEBRTC_MODE,
                "endpointing_ms": ENDPOINTING_MS,
                "vad_release_ms": bench.script.vad_release_ms,
                "frame_ms": FRAME_MS,
                "cycle_ms": CYCLE_FRAMES * FRAME_MS,
                "speech_ms": bench.script.speech_ms,
                "reply_ms": REPLY_MS,
                "sentence": SENTENCE,
                "features": bench.kit.features,
                "window_cycles": bench.cycles,
                "lateness_limit_ms": LATENESS_LIMIT_MS,
                "server_core": bench.server_core,
                "client_core": bench.client_core,
            },
            "capacity_calls_per_core": capacities(self.rows),
            "rows": [row.as_json() for row in self.rows],
        }

    def _write_json(self) -> Path:
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self._directory / "density.json"
        path.write_text(json.dumps(self.as_json(), indent=2, ensure_ascii=False) + "\n")
        return path


def capacities(rows: Sequence[Row]) -> dict[str, dict[str, int | None]]:
    """For each server the largest N that was sustained and the smallest that was not.

    Rows that measured the client are left out; a disturbed row that failed proves nothing
    against the server and is left out too.
    """
    found: dict[str, dict[str, int | None]] = {}
    for name in dict.fromkeys(row.server for row in rows):
        told = [row for row in rows if row.server == name and row.valid]
        failed = [row.calls for row in told if not row.sustained and not row.noise.polluted]
        above = min(failed, default=None)
        passed = [
            row.calls for row in told if row.sustained and (above is None or row.calls < above)
        ]
        found[name] = {"sustained": max(passed, default=None), "failed": above}
    return found


def capacity_text(bracket: dict[str, int | None]) -> str:
    """A bracket in words: ``at least 500``, ``45 to 50``, ``below 20``, ``unknown``."""
    match bracket["sustained"], bracket["failed"]:
        case None, None:
            return "unknown"
        case None, failed:
            return f"below {failed}"
        case sustained, None:
            return f"at least {sustained}"
        case sustained, failed:
            return f"{sustained} (not {failed})"


def table(rows: Sequence[Row], *, title: str) -> Table:
    """The rows, grouped by server."""
    out = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    out.add_column("server", no_wrap=True, min_width=10)
    for column in (
        "calls",
        "CPU %\na call",
        "MB\na call",
        "voice-to-voice\np50 p95 p99 ms",
        "overhead\np50 p95 p99 ms",
        "lateness\np50 p95 p99 ms",
        "replies",
    ):
        out.add_column(column, justify="right", no_wrap=True)
    out.add_column("", no_wrap=True)
    for index, row in enumerate(rows):
        last_of_server = index + 1 == len(rows) or rows[index + 1].server != row.server
        out.add_row(
            SERVERS[row.server].title,
            str(row.calls),
            f"{row.cpu_per_call_percent:.3f}",
            f"{row.rss_per_call_mb:.2f}",
            _three(row.response_ms, 0),
            _three(row.overhead_ms, 1),
            _three(row.lateness_ms, 1),
            f"{row.replies['complete']}/{row.replies['expected']}",
            verdict(row),
            end_section=last_of_server,
        )
    return out


def verdict(row: Row) -> str:
    """A row's outcome in a word: ok, over, or client, when that was what was measured."""
    if not row.valid:
        return "[yellow]client[/]"
    return "[green]ok[/]" if row.sustained else "[red]over[/]"


def plot(rows: Sequence[Row], *, title: str, subtitle: str) -> str:
    """CPU per call and p99 lateness against the number of calls, as SVG."""
    told = [row for row in rows if row.valid]
    return render(
        title,
        subtitle,
        [
            Panel(
                "CPU per call, % of one core",
                "concurrent duplex calls",
                _series(told, "cpu"),
                floor=0.01,
            ),
            Panel(
                "p99 lateness of the reply's sound, ms",
                "concurrent duplex calls",
                _series(told, "lateness"),
                floor=0.1,
                limit=(LATENESS_LIMIT_MS, "one frame late"),
            ),
        ],
    )


def _series(rows: Sequence[Row], what: str) -> list[Series]:
    series = []
    for name, server in SERVERS.items():
        points = [
            Point(row.calls, value, hollow=not row.sustained)
            for row in rows
            if row.server == name
            for value in [row.cpu_per_call_percent if what == "cpu" else row.lateness_ms.p99]
            if not math.isnan(value)
        ]
        series.append(Series(server.title, COLOURS[name], points, dashed=name == "bound"))
    return series


def _three(summary: Summary, digits: int) -> str:
    if not summary.count:
        return "none"
    return " ".join(f"{value:.{digits}f}" for value in (summary.p50, summary.p95, summary.p99))
