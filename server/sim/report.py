"""What a run of the rig says: what was simulated, what was measured, what was violated."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from server.sim.call import Outcome
from server.sim.invariants import ALL
from server.sim.run import Batch, Plan, Result
from server.sim.sounds import CONDITIONS
from server.talk.measures import quantile
from server.talk.turn_taking import TurnTaking

__all__ = ["Growth", "growth", "replay_command", "tell_batch", "tell_call", "tell_run"]

LEAK = 3.0
"""Objects that a process may gain with each call: libraries have caches of their own."""


@dataclass(frozen=True, slots=True)
class Growth:
    """Objects that the processes gained with each call, after the first batches."""

    per_call: float
    calls: int

    @property
    def leaks(self) -> bool:
        return self.calls >= 100 and self.per_call > LEAK


def growth(batches: Sequence[Batch]) -> Growth:
    """From the second quarter of each process's batches to its last."""
    gained = calls = 0
    by_worker: defaultdict[int, list[Batch]] = defaultdict(list)
    for batch in batches:
        by_worker[batch.worker].append(batch)
    for series in by_worker.values():
        since = series[len(series) // 4 :]
        if len(since) > 1:
            gained += since[-1].objects - since[0].objects
            calls += sum(len(batch.results) for batch in since[1:])
    return Growth(gained / calls if calls else 0.0, calls)


def replay_command(plan: Plan, seed: int) -> str:
    """What plays the call `seed` again."""
    faults = " --faults" if plan.faults else ""
    return f"palabre sim --replay {seed} --minutes {plan.minutes:g}{faults} -v"


def tell_batch(console: Console, plan: Plan, batch: Batch) -> None:
    """Print what was violated, and how to play it again, as soon as it is known."""
    for result in batch.results:
        if result.violations:
            console.print(f"[red]call {result.seed}[/] {result.violations[0][1].strip()}")
            console.print(f"  {replay_command(plan, result.seed)}")


def tell_run(console: Console, plan: Plan, batches: Sequence[Batch], elapsed_s: float) -> bool:
    """Print it all, but for what `tell_batch` has; whether every call kept every invariant."""
    results = sorted((r for batch in batches for r in batch.results), key=lambda r: r.seed)
    console.print(_simulated(results))
    console.print(_measured(results))
    broken = _violated(console, results)
    grown = growth(batches)
    cpu_s = sum(batch.cpu_s for batch in batches)
    talked_s = sum(result.lasted_s for result in results)
    console.print(
        f"{len(results)} calls, {talked_s / 3600:.1f} h of talk in {elapsed_s:.0f} s; "
        f"{cpu_s:.0f} s of CPU: {len(results) / cpu_s:.1f} calls a CPU second, "
        f"{talked_s / cpu_s:.0f} times realtime a core; "
        f"{grown.per_call:+.2f} objects a call over {grown.calls}"
    )
    if grown.leaks:
        console.print(f"[red]memory grows: {grown.per_call:.1f} objects with each call[/]")
    return not broken and not grown.leaks


def _simulated(results: Sequence[Result]) -> Table:
    table = Table(title="simulated", title_justify="left")
    table.add_column("what")
    table.add_column("how many", justify="right")
    happened: Counter[str] = Counter()
    for result in results:
        happened.update(result.happened)
    happened["turns of ours"] = sum(result.turns for result in results)
    ends = Counter(f"ended: {result.ended or 'without a word'}" for result in results)
    lines = Counter(f"line: {result.condition}" for result in results)
    lines["line: with echo"] = sum(result.echo for result in results)
    for counts in (lines, happened, ends):
        for name, count in sorted(counts.items()):
            table.add_row(name, f"{count:,}")
    return table


def _measured(results: Sequence[Result]) -> Table:
    table = Table(title="measured at the far end (times: p50 / p95 ms)", title_justify="left")
    for name in (
        "line",
        "turns",
        "response",
        "answered",
        "cut off",
        "in a phrase",
        "interruptions",
        "yield",
        "yielded",
        "resumed",
        "kept: mm",
        "cough",
        "aside",
    ):
        table.add_column(name, justify="left" if name == "line" else "right", no_wrap=True)
    groups: list[tuple[str, Callable[[Result], bool]]] = [
        (name, lambda result, name=name: result.condition == name and not result.echo)  # type: ignore[misc]
        for name in CONDITIONS
    ]
    groups += [("echo", lambda result: result.echo), ("all", lambda result: True)]
    for name, belongs in groups:
        taken = sum((one.turn_taking for one in results if belongs(one)), TurnTaking())
        table.add_row(name, *_row(taken))
    return table


def _row(taken: TurnTaking) -> list[str]:
    return [
        str(len(taken.user_turns)),
        _pair(taken.response_ms),
        _share(taken.response_rate),
        _share(taken.cut_off_rate),
        _share(taken.phrase_cut_off_rate),
        str(len(taken.interruptions)),
        _pair(taken.yield_ms),
        _share(taken.yield_rate),
        str(taken.false_resumes),
        _share(taken.kept_rate("backchannel")),
        _share(taken.kept_rate("vocal_tic")),
        _share(taken.kept_rate("non_directed")),
    ]


def _pair(values: list[float]) -> str:
    return f"{quantile(values, 0.5):.0f} / {quantile(values, 0.95):.0f}" if values else ""


def _share(share: float | None) -> str:
    return "" if share is None else f"{100 * share:.1f} %"


def _violated(console: Console, results: Sequence[Result]) -> bool:
    by_invariant: defaultdict[str, list[tuple[int, str]]] = defaultdict(list)
    for result in results:
        for invariant, what in result.violations:
            by_invariant[invariant].append((result.seed, what))
    table = Table(title="violated", title_justify="left")
    for name in ("invariant", "times", "calls"):
        table.add_column(name, justify="left" if name == "invariant" else "right")
    names = [each.name for each in ALL]  # type: ignore[attr-defined]
    for name in dict.fromkeys([*names, *by_invariant]):
        found = by_invariant.get(name, [])
        style = "red" if found else ""
        table.add_row(name, str(len(found)), str(len({seed for seed, _ in found})), style=style)
    console.print(table)
    return bool(by_invariant)


def tell_call(console: Console, outcome: Outcome, result: Result) -> None:
    """Print one call: what was drawn, what passed, what was heard and what was violated."""
    script, rate = outcome.script, outcome.script.rate_hz
    console.print(
        f"call {script.seed}: {script.condition}, voice {script.voice}, features "
        f"{script.features or 'none'}, echo {script.echo}, {'cloud' if script.cloud else 'local'}",
        highlight=False,
    )
    console.print(f"{script.network}", highlight=False)
    for fault in script.faults:
        console.print(f"{fault}", highlight=False)
    events = [
        (
            one.first / rate,
            f"[green]caller, {one.kind}: {one.text}{' …' if one.more else ''}[/]",
        )
        for one in outcome.said
    ]
    events += [
        (run.start / rate, f"[dim]hears turn {run.turn} to {run.end / rate:.3f}[/]")
        for run in outcome.far.runs
    ]
    events += [(at_s, _shown(message)) for at_s, message in outcome.messages]
    for at_s, what in sorted(events, key=lambda event: event[0]):
        if what:
            console.print(f"{at_s:9.3f}  {what}", highlight=False, soft_wrap=True)
    for violation in outcome.violations:
        console.print(f"[red]{violation}[/]", highlight=False)
    console.print(f"lasted {outcome.lasted_s:.3f} s, {result.turns} turns", highlight=False)


def _shown(message: dict[str, object]) -> str:
    match message:
        case {"type": "reply", "turn": turn, "text": text}:
            return f"[cyan]engine, {turn}: {text}[/]"
        case {"type": "transcript", "text": text, "final": final}:
            return f"transcript{'' if final else ', so far'}: {text}"
        case {"type": "turn", "turn": turn, "gap_ms": gap_ms, "said": said, "interrupted": cut}:
            return f"ledger of {turn}: {gap_ms} ms{', interrupted' if cut else ''}; said: {said}"
        case {"type": "state", "state": state}:
            return f"[dim]{state}[/]"
        case {"type": kind, **rest}:
            return f"{kind} {' '.join(str(value) for value in rest.values())}"
        case _:
            return ""
