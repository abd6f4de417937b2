"""`python -m bench turn-taking`: how soon we answer and yield, to what, and whom we cut off."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.markup import escape

from bench.accuracy.speakers import human
from bench.command import cancel_on_sigterm, ending_well
from bench.errors import BenchError, ServerError
from bench.machine import choose_cores, describe, pin
from bench.quiet import Cores
from bench.response.cli import VERSIONS
from bench.served import own_command
from bench.stats import Summary
from bench.turn_taking.callers import BOTH, CONDITIONS, Condition
from bench.turn_taking.engines import ENGINES, Engine, Kit
from bench.turn_taking.report import Report
from bench.turn_taking.rig import rows
from bench.turn_taking.run import Bench, EngineResult, measure
from bench.turn_taking.voice import record
from pipelines.speech.models.installed import DEMO

__all__ = ["turn_taking"]

LONG_ROUNDS = 4

console = Console()
#: The table's own width; a narrower terminal wraps it, and a pipe has none.
console.width = max(console.width, 160)


def turn_taking(  # noqa: PLR0913 (the options of a command are its parameters)
    *,
    engine: Annotated[
        list[str] | None, typer.Option(help="palabre, pipecat; both if not given.")
    ] = None,
    rounds: Annotated[
        int, typer.Option(help="Callers over each line; 0: in virtual time only.", min=0)
    ] = 1,
    line: Annotated[
        list[str] | None,
        typer.Option(help=f"A line, by its name; if not given, all but {BOTH.name!r}."),
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long each of them calls.")] = 110.0,
    long: Annotated[bool, typer.Option("--long", help=f"{LONG_ROUNDS} rounds.")] = False,
    seed: Annotated[int, typer.Option(help="Chooses who says what, and when.")] = 1,
    people: Annotated[
        Path | None, typer.Option(help="A folder of recordings: one more line, of people.")
    ] = None,
    rig: Annotated[
        int, typer.Option(help="Callers over each line in virtual time as well.", min=0)
    ] = 2,
    model: Annotated[str, typer.Option(help="The recogniser of both.")] = DEMO,
    server_core: Annotated[int | None, typer.Option(help="Core of the servers.")] = None,
    client_core: Annotated[int | None, typer.Option(help="Core of the callers.")] = None,
    pipecat_python: Annotated[str, typer.Option(help="A Python that has pipecat.")] = "",
    out: Annotated[Path, typer.Option(help="Where the JSON and the plot go.")] = Path("out/bench"),
) -> None:
    """The same callers, over six lines, talk to Palabre and to stock pipecat."""
    with ending_well(console):
        engines = _engines(engine)
        cores = Cores(*choose_cores(server_core, client_core))
        machine = describe((*VERSIONS, "pipecat-ai"))
        pin(cores.client)
        kit = Kit(own_command(), pipecat_python or sys.executable, model)
        many = LONG_ROUNDS if long else rounds
        callers = _conditions(line)
        if people is not None:
            callers = (*callers, _people(people))
        bench = Bench(kit, seed, many, seconds, cores, out / "logs", callers)
        console.print(
            f"turn-taking: {len(bench.conditions)} callers at once, {bench.rounds} times "
            f"{seconds:.0f} s for each of {', '.join(one.title for one in engines)}; server on "
            f"core {cores.server}, callers on core {cores.client}"
        )
        results = _run(bench, engines) if many else []
        with console.status("the rig"):
            simulated = rows(callers, rig, seed, seconds, model) if rig else {}
        report = Report(out, machine, bench, results, simulated)
        console.print(report.table())
        for said in report.lines():
            console.print(said, highlight=False)
        for path in report.write():
            console.print(f"[dim]{path}[/]")


def _conditions(names: list[str] | None) -> tuple[Condition, ...]:
    known = {one.name: one for one in (*CONDITIONS, BOTH)}
    unknown = sorted(set(names or ()) - set(known))
    if unknown:
        raise BenchError(f"--line {unknown[0]}: there are {', '.join(known)}")
    return tuple(one for name, one in known.items() if name in names) if names else CONDITIONS


def _people(folder: Path) -> Condition:
    """A line over which people answer open questions."""
    found = human(folder)
    if not found:
        raise BenchError(f"--people {folder}: there is no sound with a .txt of its words beside it")
    for speech in found:
        record(speech.speaker, speech.pcm)
    return Condition("people reading", "clean", people=tuple(one.speaker for one in found))


def _engines(names: list[str] | None) -> list[Engine]:
    unknown = sorted(set(names or ()) - set(ENGINES))
    if unknown:
        raise BenchError(f"--engine {unknown[0]}: there are {', '.join(ENGINES)}")
    return [one for name, one in ENGINES.items() if not names or name in names]


def _run(bench: Bench, engines: list[Engine]) -> list[EngineResult]:
    """An engine that fails does not lose what was measured of the other. Raises BenchError."""
    results: list[EngineResult] = []
    with console.status("making the callers' sounds") as status:

        def began(engine: Engine, number: int) -> None:
            status.update(f"{engine.title}: round {number + 1} of {bench.rounds}")

        def told(result: EngineResult) -> None:
            results.append(result)
            taken = result.whole()
            response = Summary.of(taken.response_ms)
            console.print(
                f"{result.engine.title:<8} {len(taken.user_turns)} turns, answered after p50 "
                f"{response.p50:.0f} ms, p95 {response.p95:.0f}",
                highlight=False,
            )

        async def run() -> None:
            cancel_on_sigterm()
            await measure(bench, engines, began=began, told=told)

        try:
            uvloop.run(run())
        except ServerError as error:
            if not results:
                raise
            console.print(f"[red]{error.code}[/]: {escape(str(error))}")
    return results
