"""What a run says: tables, JSON and a picture of the turns at the percentiles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.table import Table

from bench.response.callers import CONDITIONS
from bench.response.run import SCENARIO, Bench
from bench.response.turns import CallResult, Turn, beyond_summaries, stage_summaries, turn_at
from bench.stats import Summary
from server.waterfall import turns_svg

__all__ = ["GOAL_MS", "Report"]

GOAL_MS = 400.0
"""What the median response of the local stack is to stay within, with the default endpointing."""


class Report:
    """The calls of a run."""

    def __init__(
        self,
        directory: Path,
        machine: dict[str, object],
        bench: Bench,
        results: Sequence[CallResult],
    ) -> None:
        self._directory = directory
        self._machine = machine
        self._bench = bench
        self._results = results
        self.turns = [turn for result in results for turn in result.turns]

    def tables(self) -> list[Table]:
        """Where the time went, and how it was on each line."""
        stages = _table(f"response, {len(self.turns)} turns", "milliseconds", "p50", "p95", "p99")
        rows = {
            "as heard at the far end": Summary.of(turn.heard_ms for turn in self.turns),
            "by the engine's ledger": Summary.of(turn.gap_ms for turn in self.turns),
            **{f"  {stage}": s for stage, s in stage_summaries(self.turns).items()},
            "heard beyond the ledger": Summary.of(turn.beyond_ms for turn in self.turns),
            **{f"  {name}": summary for name, summary in beyond_summaries(self.turns).items()},
        }
        for name, summary in rows.items():
            values = (summary.p50, summary.p95, summary.p99)
            stages.add_row(name, *(f"{value:.1f}" for value in values))
        lines = _table("", "line", "turns", "p50", "p95", "understood as meant")
        for name, turns in self._by_condition().items():
            heard = Summary.of(turn.heard_ms for turn in turns)
            correct = sum(turn.correct for turn in turns)
            lines.add_row(
                name,
                str(len(turns)),
                f"{heard.p50:.0f}",
                f"{heard.p95:.0f}",
                f"{correct}/{len(turns)}",
            )
        return [stages, lines]

    def lines(self) -> list[str]:
        """The verdict, and what disturbed it."""
        heard = Summary.of(turn.heard_ms for turn in self.turns)
        kept = heard.p50 <= GOAL_MS
        style = "green" if kept else "red"
        correct = sum(turn.correct for turn in self.turns)
        said = sum(result.words_said for result in self._results)
        recognised = sum(result.words_recognised for result in self._results)
        unanswered = sum(result.unanswered for result in self._results)
        verdict = (
            f"[{style}]p50 {heard.p50:.0f} ms[/] of {GOAL_MS:.0f}; understood as meant "
            f"{correct} of {len(self.turns)} turns; {recognised} of {said} words recognised"
        )
        out = [verdict]
        if unanswered:
            out.append(f"[red]{unanswered} answers got no reply[/]")
        return out + [
            f"[yellow]call {result.plan.number}: {'; '.join(result.quiet.problems())}[/]"
            for result in self._results
            if result.quiet.disturbed
        ]

    def write(self) -> list[Path]:
        """Write JSON and picture; their paths."""
        self._directory.mkdir(parents=True, exist_ok=True)
        paths = [self._directory / name for name in ("response.json", "response.svg")]
        document = json.dumps(self.as_json(), indent=2, ensure_ascii=False)
        paths[0].write_text(f"{document}\n", encoding="utf-8")
        paths[1].write_text(self.picture(), encoding="utf-8")
        return paths

    def picture(self) -> str:
        """The turns at p50, p95 and p99, and the median one of each line, stage by stage."""
        rows = {f"p{percent}": turn_at(self.turns, percent) for percent in (50, 95, 99)}
        for name, turns in self._by_condition().items():
            rows[name] = turn_at(turns, 50)
        machine = self._machine
        return turns_svg(
            [_row(label, turn) for label, turn in rows.items()],
            budget_ms=GOAL_MS,
            limit="p50 to reach",
            title=f"Response on the local stack, {len(self.turns)} turns",
            subtitle=f"ms after the caller's last sound; {machine['cpu']}, "
            f"{str(machine['date'])[:10]}",
        )

    def as_json(self) -> dict[str, object]:
        """The whole run; docs/bench/response.md describes it."""
        bench = self._bench
        return {
            "bench": "response",
            "machine": self._machine,
            "settings": {
                "scenario": SCENARIO,
                "vad": bench.vad,
                "seed": bench.seed,
                "server_core": bench.cores.server,
                "client_core": bench.cores.client,
            },
            "heard_ms": Summary.of(turn.heard_ms for turn in self.turns).as_json(),
            "ledger_ms": Summary.of(turn.gap_ms for turn in self.turns).as_json(),
            "stages_ms": {
                stage: summary.as_json() for stage, summary in stage_summaries(self.turns).items()
            },
            "beyond_ledger_ms": Summary.of(turn.beyond_ms for turn in self.turns).as_json(),
            "beyond_ledger_parts_ms": {
                name: summary.as_json() for name, summary in beyond_summaries(self.turns).items()
            },
            "understood_as_meant": sum(turn.correct for turn in self.turns),
            "turns": len(self.turns),
            "calls": [_call_json(result) for result in self._results],
        }

    def _by_condition(self) -> dict[str, list[Turn]]:
        found = {
            condition.name: [turn for turn in self.turns if turn.condition == condition.name]
            for condition in CONDITIONS
        }
        return {name: turns for name, turns in found.items() if turns}


def _row(label: str, turn: Turn) -> dict[str, object]:
    return {
        "label": f"{label}: {turn.heard_ms:.0f} ms heard",
        "heard": turn.said,
        "spans": turn.spans_ms,
        "gap_ms": turn.gap_ms,
        "heard_ms": turn.heard_ms,
    }


def _call_json(result: CallResult) -> dict[str, object]:
    plan = result.plan
    return {
        "call": plan.number,
        "condition": plan.condition.name,
        "rate_hz": plan.condition.rate_hz,
        "snr_db": plan.condition.snr_db,
        "voice": str(plan.voice),
        "unanswered": result.unanswered,
        "words_said": result.words_said,
        "words_recognised": result.words_recognised,
        "quiet": result.quiet.as_json(),
        "turns": [turn.as_json() for turn in result.turns],
    }


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table
