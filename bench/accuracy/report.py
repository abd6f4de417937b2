"""What a run says: tables, JSON and a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from bench.accuracy.capacity import FINAL_MS
from bench.accuracy.measure import Row
from bench.accuracy.picture import Dots, render
from bench.accuracy.systems import Unmeasured
from bench.stats import Summary

__all__ = ["Blank", "Report"]

OTHERS_PERCENT = 5.0
"""Of a core, taken by others: above it a number of streams is a lower bound."""


@dataclass(frozen=True, slots=True)
class Blank:
    """Speakers that were not there, and how they would be."""

    group: str
    command: str


@dataclass(slots=True)
class Report:
    """A run as far as it has come."""

    directory: Path
    machine: dict[str, object]
    settings: Mapping[str, object]
    rows: list[Row] = field(default_factory=list)
    costs: dict[str, dict[str, Any]] = field(default_factory=dict)
    unmeasured: list[Unmeasured] = field(default_factory=list)
    blanks: list[Blank] = field(default_factory=list)
    speakers: dict[str, list[str]] = field(default_factory=dict)

    def add(self, row: Row) -> None:
        """Take a row; the JSON is written with each, so that a run cut short is kept."""
        self.rows.append(row)
        self.write_json()

    def tables(self) -> list[Table]:
        return [self._accuracy(), self._grammars(), self._costs()]

    def write(self) -> list[Path]:
        """JSON and picture; their paths."""
        path = self.directory / "accuracy.svg"
        machine = self.machine
        subtitle = f"sentences kept out of training; {machine['cpu']}, {str(machine['date'])[:10]}"
        title = "Word error rate by voice and line"
        path.write_text(render(title, subtitle, self._systems(), self._dots()), encoding="utf-8")
        return [self.write_json(), path]

    def write_json(self) -> Path:
        self.directory.mkdir(parents=True, exist_ok=True)
        path = self.directory / "accuracy.json"
        document = json.dumps(self.as_json(), indent=1, ensure_ascii=False)
        path.write_text(f"{document}\n", encoding="utf-8")
        return path

    def as_json(self) -> dict[str, object]:
        """The whole run; docs/bench/accuracy.md describes it."""
        return {
            "bench": "accuracy",
            "machine": self.machine,
            "settings": dict(self.settings),
            "speakers": self.speakers,
            "rows": [row.as_json() for row in self.rows],
            "costs": self.costs,
            "not_measured": [
                {"system": one.name, "why": one.why, "command": one.command}
                for one in self.unmeasured
            ],
            "no_speakers": [{"voices": one.group, "command": one.command} for one in self.blanks],
        }

    def lines(self) -> list[str]:
        """What is missing and how it is filled."""
        found = [f"{one.name}: {one.why}; [dim]{one.command}[/]" for one in self.unmeasured]
        found += [f"{one.group}: nobody here; [dim]{one.command}[/]" for one in self.blanks]
        for name, cost in self.costs.items():
            worst = max(probe["others_percent"] for probe in cost["streams_per_core"]["probes"])
            if worst > OTHERS_PERCENT:
                found.append(
                    f"[yellow]{name}: others took up to {worst:.0f} % of the core while streams "
                    "were counted[/]"
                )
        return found

    def _systems(self) -> list[str]:
        return list(dict.fromkeys(row.system for row in self.rows))

    def _dots(self) -> list[Dots]:
        rates = {(row.group, row.condition, row.system): row.open.wer_percent for row in self.rows}
        places = dict.fromkeys((row.group, row.condition) for row in self.rows)
        return [
            Dots(group, name, [rates.get((group, name, system)) for system in self._systems()])
            for group, name in places
        ]

    def _accuracy(self) -> Table:
        table = _table(
            "accuracy, percent", "system", "voices", "line",
            right=("words", "WER", "of known\nwords", "commands\nWER", "keywords\nheard",
                   "first\ninterim", "final"),
        )  # fmt: skip
        for row in self.rows:
            table.add_row(
                row.system,
                row.group,
                row.condition,
                str(row.open.words),
                _percent(row.open.wer_percent),
                _percent(row.known.wer_percent),
                _percent(row.commands.wer_percent),
                _percent(row.open.keyword_percent),
                _median(row.first_ms),
                _median(row.final_ms),
            )
        return table

    def _grammars(self) -> Table:
        table = _table(
            "with a grammar, percent", "system", "voices", "line",
            right=("phrases", "right", "others", "rejected", "engine:\nright", "mistaken"),
        )  # fmt: skip
        for row in self.rows:
            if row.closed.of:
                table.add_row(
                    row.system,
                    row.group,
                    row.condition,
                    str(row.closed.of),
                    _percent(row.closed.percent),
                    str(row.rejected.of),
                    _percent(row.rejected.percent),
                    _percent(row.choice.percent),
                    _percent(row.mistaken.percent),
                )
        return table

    def _costs(self) -> Table:
        table = _table(
            "on one core", "system",
            right=("load\nms", "MB", "real-time\nfactor", "first interim\np50 p95 ms",
                   "final\np50 p95 ms", f"streams, finals\np95 <= {FINAL_MS:.0f} ms"),
        )  # fmt: skip
        for name, cost in self.costs.items():
            few, found = cost["streams_per_core"]["probes"][0], cost["streams_per_core"]
            over = f" (not {found['not_carried']})" if found["not_carried"] else " and more"
            table.add_row(
                name,
                f"{cost['load_ms']:.0f}",
                f"{cost['memory_mb']:.1f}",
                f"{cost['real_time_factor']:.3f}",
                _two(few["first_interim_ms"]),
                _two(few["final_ms"]),
                f"{found['carried']}{over}",
            )
        for one in self.unmeasured:
            table.add_row(one.name, *[""] * 6)
        return table


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _median(summary: Summary) -> str:
    return f"{summary.p50:.0f} ms" if summary.count else ""


def _two(summary: Mapping[str, float | None]) -> str:
    return " ".join("–" if summary[p] is None else f"{summary[p]:.0f}" for p in ("p50", "p95"))


def _table(title: str, *columns: str, right: Sequence[str]) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for column in columns:
        table.add_column(column, no_wrap=True)
    for column in right:
        table.add_column(column, justify="right", no_wrap=True)
    return table
