"""What a run says: a table, JSON and a plot."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich import box
from rich.table import Table

from bench.stats import Summary
from bench.strip import Strip, render
from bench.turn_taking.run import Bench, EngineResult
from server.talk.turn_taking import TurnTaking

__all__ = ["GOALS", "Goal", "Report", "panel"]


@dataclass(frozen=True, slots=True)
class Goal:
    """A figure to reach: `of` all callers; `better` compares it with the peer's."""

    name: str
    of: Callable[[TurnTaking], float | None]
    limit: float
    higher: bool = False
    unit: str = ""

    def reached(self, value: float | None) -> bool:
        """Whether `value` will do."""
        if value is None:
            return False
        return value >= self.limit if self.higher else value <= self.limit

    def better(self, ours: float | None, theirs: float | None) -> bool:
        """Whether ours is, or as good."""
        if ours is None or theirs is None:
            return theirs is None and ours is not None
        return ours >= theirs if self.higher else ours <= theirs

    def told(self, value: float | None) -> str:
        """In words."""
        if value is None:
            return "none"
        if self.unit == "%":
            return f"{value * 100:.1f} %"
        return (
            f"{value:.2f}" if not self.unit and self.higher else f"{value:.0f} {self.unit}".strip()
        )


def _p95(values: Sequence[float]) -> float | None:
    return Summary.of(values).p95 if values else None


GOALS = (
    Goal("response p95", lambda taken: _p95(taken.response_ms), 700.0, unit="ms"),
    Goal("cut-off rate", lambda taken: taken.cut_off_rate, 0.03, unit="%"),
    Goal("yield p95", lambda taken: _p95(taken.yield_ms), 300.0, unit="ms"),
    Goal("backchannels, turn kept", lambda taken: taken.kept_rate("backchannel"), 0.9, higher=True),
    Goal("false resumes", lambda taken: float(taken.false_resumes), 0.0),
)


class Report:
    """The engines of a run. `rig` has rows of the simulation, by condition."""

    def __init__(
        self,
        directory: Path,
        machine: dict[str, object],
        bench: Bench,
        results: Sequence[EngineResult],
        rig: dict[str, TurnTaking] | None = None,
    ) -> None:
        self._directory = directory
        self._machine = machine
        self._bench = bench
        self._results = results
        self._rig = rig or {}

    def table(self) -> Table:
        """A row for each line and engine, then one for all lines."""
        out = Table(
            title="turn-taking, milliseconds at the far end",
            title_justify="left",
            box=box.SIMPLE_HEAD,
            padding=(0, 1, 0, 0),
        )
        out.add_column("line", no_wrap=True)
        out.add_column("engine", no_wrap=True)
        for column in (
            "turns",
            "response\nL_R p50 p95",
            "answered\nR_R",
            "cut off\nall hesit.",
            "yield\nL_Y p50 p95",
            "yielded\nR_Y",
            "false\nresumes",
            "backchan.\nS_BC kept",
            "coughs\nS_VT",
            "turns\nlost",
            "held for\nnothing",
        ):
            out.add_column(column, justify="right", no_wrap=True)
        for name in [condition.name for condition in self._bench.conditions]:
            for result in self._results:
                if name in result.conditions:
                    _row(out, name, result.engine.title, result.conditions[name])
        for result in self._results:
            _row(out, "all", result.engine.title, result.whole())
        for name, taken in self._rig.items():
            _row(out, f"rig: {name}", "Palabre", taken)
        if len(self._rig) > 1:
            _row(out, "rig: all", "Palabre", sum(self._rig.values(), TurnTaking()))
        return out

    def lines(self) -> list[str]:
        """The verdicts, and what was wrong."""
        out = []
        by_name = {result.engine.name: result.whole() for result in self._results}
        ours, theirs = by_name.get("palabre"), by_name.get("pipecat")
        for goal in GOALS:
            if ours is None:
                continue
            value = goal.of(ours)
            style = "green" if goal.reached(value) else "red"
            line = f"{goal.name}: [{style}]{goal.told(value)}[/] of {goal.told(goal.limit)}"
            if theirs is not None:
                other = goal.of(theirs)
                style = "green" if goal.better(value, other) else "red"
                line += f"; pipecat [{style}]{goal.told(other)}[/]"
            out.append(line)
        for result in self._results:
            found, name = result.resumes, result.engine.title
            if found.resumed:
                style = "green" if found.exact == found.resumed else "red"
                out.append(
                    f"{name}: [{style}]{found.exact} of {found.resumed}[/] turns that were held "
                    "went on at the exact sample"
                )
            problems = [problem for quiet in result.quiet for problem in quiet.problems()]
            out += [f"[yellow]{name}: {problem}[/]" for problem in problems]
        return out

    def write(self) -> list[Path]:
        """Write JSON and plot; their paths."""
        self._directory.mkdir(parents=True, exist_ok=True)
        paths = [self._directory / name for name in ("turn_taking.json", "turn_taking.svg")]
        document = json.dumps(self.as_json(), indent=1, ensure_ascii=False)
        paths[0].write_text(f"{document}\n", encoding="utf-8")
        paths[1].write_text(self.picture(), encoding="utf-8")
        return paths

    def picture(self) -> str:
        """Responses by line and engine, then yields."""
        strips = []
        for name in [condition.name for condition in self._bench.conditions]:
            for result in self._results:
                taken = result.conditions.get(name, TurnTaking())
                strips.append(
                    Strip(f"{result.engine.title}, {name}", _note(taken), taken.response_ms)
                )
        for result in self._results:
            values = result.whole().yield_ms
            strips.append(
                Strip(f"{result.engine.title}, all lines", f"yields, {len(values)}", values)
            )
        return render(
            "Turn-taking: from the caller's last sound to our first; at the foot, to our silence",
            f"{self._machine['cpu']}, {str(self._machine['date'])[:10]}",
            strips,
            limit=(GOALS[0].limit, "p95 to reach"),
        )

    def as_json(self) -> dict[str, object]:
        """The whole run; docs/bench/turn_taking.md describes it."""
        bench = self._bench
        return {
            "bench": "turn-taking",
            "machine": self._machine,
            "settings": {
                "seed": bench.seed,
                "rounds": bench.rounds,
                "seconds": bench.seconds,
                "model": bench.kit.model,
                "server_core": bench.cores.server,
                "client_core": bench.cores.client,
            },
            "engines": [
                {
                    "engine": result.engine.name,
                    "conditions": {name: panel(taken) for name, taken in result.conditions.items()},
                    "all": panel(result.whole()),
                    "goals": {
                        goal.name: {
                            "value": (value := goal.of(result.whole())),
                            "limit": goal.limit,
                            "reached": goal.reached(value),
                        }
                        for goal in GOALS
                    },
                    "resumes": asdict(result.resumes),
                    "quiet": [quiet.as_json() for quiet in result.quiet],
                    "calls": [call.as_json() for call in result.calls],
                }
                for result in self._results
            ],
            "rig": {name: panel(taken) for name, taken in self._rig.items()},
        }


def panel(taken: TurnTaking) -> dict[str, Any]:
    """The figures, under τ-voice's names (in milliseconds here) where it has them."""
    return {
        "response_latency_ms": Summary.of(taken.response_ms).as_json(),
        "response_rate": taken.response_rate,
        "yield_latency_ms": Summary.of(taken.yield_ms).as_json(),
        "yield_rate": taken.yield_rate,
        "agent_interruption_rate": taken.agent_interruption_rate,
        "selectivity_backchannel": taken.selectivity("backchannel"),
        "selectivity_vocal_tic": taken.selectivity("vocal_tic"),
        "backchannel_turns_kept": taken.kept_rate("backchannel"),
        "vocal_tic_turns_kept": taken.kept_rate("vocal_tic"),
        "cut_off_rate": taken.cut_off_rate,
        "cut_off_rate_of_hesitant_turns": taken.hesitant_cut_off_rate,
        "missed_interruptions": sum(one.yield_ms is None for one in taken.interruptions),
        "false_resumes": taken.false_resumes,
        "turns_lost": taken.lost,
        "turns_held_for_nothing": taken.held,
        "counts": {
            "response_total": len(taken.user_turns),
            "hesitant_total": sum(turn.pauses > 0 for turn in taken.user_turns),
            "yield_total": len(taken.interruptions),
            "backchannel_total": len(taken.of("backchannel")),
            "vocal_tic_total": len(taken.of("vocal_tic")),
            "our_turns": taken.turns,
        },
    }


def _row(out: Table, line: str, engine: str, taken: TurnTaking) -> None:
    out.add_row(
        line,
        engine,
        str(len(taken.user_turns)),
        _two(taken.response_ms),
        _percent(taken.response_rate),
        f"{_percent(taken.cut_off_rate)} {_percent(taken.hesitant_cut_off_rate)}",
        _two(taken.yield_ms),
        f"{len(taken.yield_ms)}/{len(taken.interruptions)}",
        str(taken.false_resumes),
        f"{_percent(taken.selectivity('backchannel'))} {_percent(taken.kept_rate('backchannel'))}",
        _percent(taken.selectivity("vocal_tic")),
        f"{taken.lost}/{taken.turns}",
        str(taken.held),
    )


def _note(taken: TurnTaking) -> str:
    return f"{len(taken.response_ms)} answers, {_percent(taken.cut_off_rate)} cut off"


def _two(values: Sequence[float]) -> str:
    if not values:
        return "none"
    summary = Summary.of(values)
    return f"{summary.p50:.0f} {summary.p95:.0f}"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share * 100:.0f}%"
