"""What a run says: a table, JSON and a plot."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich import box
from rich.table import Table

from bench.barge_in.callers import BACKCHANNEL, INTERRUPTION
from bench.barge_in.outcome import PhaseResult
from bench.barge_in.run import Bench
from bench.stats import Summary
from bench.strip import Strip, render

__all__ = ["GOAL_MS", "Report", "silent_ms"]

GOAL_MS = 150.0
"""Within it (p95) the far end's playout is to pause after the caller's first sound."""


class Report:
    """The phases of a run."""

    def __init__(
        self,
        directory: Path,
        machine: dict[str, object],
        bench: Bench,
        results: Sequence[PhaseResult],
    ) -> None:
        self._directory = directory
        self._machine = machine
        self._bench = bench
        self._results = results

    def table(self) -> Table:
        """A row for each kind of far end."""
        title = "barge-in, milliseconds after the caller's first sound"
        out = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
        out.add_column("far end", no_wrap=True)
        for column in (
            "calls",
            "silent after\np50 p95 p99",
            "cancelled after\np50 p95 p99",
            "interrupt.\ncancelled",
            "falsely\nresumed",
            "backch.\nheld",
            "falsely\ncancelled",
            "sent after\ncancel",
            "server\nCPU %",
        ):
            out.add_column(column, justify="right", no_wrap=True)
        for result in self._results:
            said, nodded = result.of(INTERRUPTION), result.of(BACKCHANNEL)
            out.add_row(
                result.phase.name,
                str(result.phase.calls),
                _three(silent_ms(result)),
                _three([one.decided_ms for one in said if one.decided_ms is not None]),
                f"{sum(one.decided_ms is not None for one in said)}/{len(said)}",
                str(sum(one.resumed_ms is not None for one in said)),
                f"{sum(one.silent_ms is not None for one in nodded)}/{len(nodded)}",
                str(sum(one.decided_ms is not None for one in nodded)),
                str(result.sent_after_cancel),
                f"{result.quiet.server_cpu_percent:.0f}",
            )
        return out

    def lines(self) -> list[str]:
        """The verdicts, and what was wrong."""
        out = []
        for result in self._results:
            name, summary = result.phase.name, Summary.of(silent_ms(result))
            if result.phase.pauses:
                style = "green" if summary.p95 <= GOAL_MS else "red"
                out.append(f"{name}: [{style}]p95 {summary.p95:.0f} ms[/] of {GOAL_MS:.0f}")
            found = result.samples
            style = "red" if found.wrong else "green"
            out.append(
                f"{name}: {found.whole} turns whole, {found.resumed} of them after a hold, "
                f"{found.cut} cut; [{style}]{found.wrong} with a wrong sample[/]; "
                f"{found.breaks} breaks beside the holds"
            )
            out += [f"[yellow]{name}: {problem}[/]" for problem in result.problems]
        return out

    def write(self) -> list[Path]:
        """Write JSON and plot; their paths."""
        self._directory.mkdir(parents=True, exist_ok=True)
        paths = [self._directory / name for name in ("barge_in.json", "barge_in.svg")]
        document = json.dumps(self.as_json(), indent=2, ensure_ascii=False)
        paths[0].write_text(f"{document}\n", encoding="utf-8")
        paths[1].write_text(self.picture(), encoding="utf-8")
        return paths

    def picture(self) -> str:
        """The distributions, a row for each kind of far end, then the decisions."""
        strips = []
        for result in self._results:
            values = silent_ms(result)
            strips.append(Strip(result.phase.name, f"silent, {len(values)} times", values))
        for result in self._results[1:]:
            decided = [
                one.decided_ms for one in result.of(INTERRUPTION) if one.decided_ms is not None
            ]
            strips.append(Strip(result.phase.name, f"cancelled, {len(decided)} times", decided))
        machine = self._machine
        return render(
            "Barge-in: from the caller's first sound to our silence, and to the decision",
            f"{self._bench.vad} VAD, local recogniser; {machine['cpu']}, "
            f"{str(machine['date'])[:10]}",
            strips,
            limit=(GOAL_MS, "p95 to reach, with pause"),
        )

    def as_json(self) -> dict[str, object]:
        """The whole run; docs/bench/barge_in.md describes it."""
        bench = self._bench
        return {
            "bench": "barge-in",
            "machine": self._machine,
            "settings": {
                "vad": bench.vad,
                "seed": bench.seed,
                "interruptions_per_call": bench.interruptions,
                "backchannels_per_call": bench.backchannels,
                "server_core": bench.cores.server,
                "client_core": bench.cores.client,
            },
            "phases": [_phase_json(result) for result in self._results],
        }


def silent_ms(result: PhaseResult) -> list[float]:
    """Of all trials that held the far end: at that moment nobody knows which kind it is."""
    return [one.silent_ms for one in result.outcomes if one.silent_ms is not None]


def _phase_json(result: PhaseResult) -> dict[str, object]:
    said, nodded = result.of(INTERRUPTION), result.of(BACKCHANNEL)
    decided = [one.decided_ms for one in said if one.decided_ms is not None]
    return {
        "far_end": result.phase.name,
        "features": result.phase.features,
        "calls": result.phase.calls,
        "silent_ms": Summary.of(silent_ms(result)).as_json(),
        "cancelled_ms": Summary.of(decided).as_json(),
        "interruptions": len(said),
        "interruptions_cancelled": len(decided),
        "interruptions_falsely_resumed": sum(one.resumed_ms is not None for one in said),
        "backchannels": len(nodded),
        "backchannels_held": sum(one.silent_ms is not None for one in nodded),
        "backchannels_resumed": sum(one.resumed_ms is not None for one in nodded),
        "backchannels_falsely_cancelled": sum(one.decided_ms is not None for one in nodded),
        "sent_after_cancel": result.sent_after_cancel,
        "sent_while_paused": result.sent_while_paused,
        "turns": asdict(result.samples),
        "quiet": result.quiet.as_json(),
        "problems": result.problems,
        "trials": [one.as_json() for one in result.outcomes],
    }


def _three(values: Sequence[float]) -> str:
    if not values:
        return "none"
    summary = Summary.of(values)
    return " ".join(f"{value:.0f}" for value in (summary.p50, summary.p95, summary.p99))
