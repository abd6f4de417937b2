"""`python -m bench density`: how many calls a core carries, beside pipecat and the bound."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console
from rich.markup import escape

from bench.command import cancel_on_sigterm, ending_well
from bench.density.report import Report, verdict
from bench.density.row import Bench, Row
from bench.density.run import row_s, run_rows, run_search
from bench.density.script import caller_script
from bench.density.servers import SERVERS, Kit
from bench.errors import BenchError
from bench.machine import choose_cores, describe, pin
from bench.served import own_command

__all__ = ["density", "parse_calls"]

DEFAULT_CALLS = {
    "webrtc": {
        "palabre": [100, 300, 500],
        "pipecat": [10, 25, 40],
        "bound": [100, 300, 500],
    },
    "silero": {
        "palabre": [50, 150, 300],
        "pipecat": [8, 16, 24],
        "bound": [50, 150, 300],
    },
}
VERSIONS = (
    "palabre",
    "pipecat-ai",
    "websockets",
    "uvicorn",
    "uvloop",
    "webrtcvad-wheels",
    "onnxruntime",
    "numpy",
)

console = Console()
#: The table's own width; a narrower terminal wraps it, and a pipe has none.
console.width = max(console.width, 112)


def density(  # noqa: PLR0913
    *,
    calls: Annotated[
        list[str] | None,
        typer.Option(help="Rows: 20,50 for every server, or palabre=100,500 for one. Repeatable."),
    ] = None,
    server: Annotated[
        list[str] | None, typer.Option(help="palabre, pipecat or bound. Repeatable; all three.")
    ] = None,
    vad: Annotated[str, typer.Option(help="webrtc or silero, in every server.")] = "webrtc",
    search: Annotated[
        bool, typer.Option("--search", help="Search for capacity, from the last of --calls.")
    ] = False,
    rows: Annotated[int, typer.Option(help="Most rows a server that a search may use.")] = 6,
    cycles: Annotated[int, typer.Option(help="Turns a caller takes while measured.", min=1)] = 1,
    features: Annotated[
        str, typer.Option(help="What our callers can do, such as mark,clear,pause.")
    ] = "",
    attempts: Annotated[
        int, typer.Option(help="Most times a row is measured when others disturb it.", min=1)
    ] = 2,
    budget_s: Annotated[
        float, typer.Option(help="Seconds that repeats may fill the run up to.")
    ] = 285.0,
    server_core: Annotated[int | None, typer.Option(help="Core of the servers.")] = None,
    client_core: Annotated[int | None, typer.Option(help="Core of the callers.")] = None,
    palabre: Annotated[str, typer.Option(help="Our command line.")] = "",
    pipecat_python: Annotated[
        str, typer.Option(help="A Python that has pipecat, if this one has not.")
    ] = sys.executable,
    out: Annotated[Path, typer.Option(help="Where the JSON and the plot go.")] = Path("out/bench"),
) -> None:
    """Duplex calls on one core: Palabre, stock pipecat, and a bare WebSocket."""
    with ending_well(console):
        if vad not in DEFAULT_CALLS:
            raise BenchError(f"there is no VAD {vad!r}; choose webrtc or silero")
        plan = parse_calls(calls or [], server or list(SERVERS), DEFAULT_CALLS[vad])
        cores = choose_cores(server_core, client_core)
        machine = describe(VERSIONS)
        pin(cores[1])
        bench = Bench(
            script=caller_script(vad),
            kit=Kit(
                palabre=tuple(palabre.split()) or own_command(),
                pipecat_python=pipecat_python,
                features=features,
                log_directory=out / "logs",
            ),
            vad=vad,
            server_core=cores[0],
            client_core=cores[1],
            cycles=cycles,
            attempts=attempts,
        )
        report = Report(out, machine, bench)
        _run(bench, plan, report, search_rows=rows if search else 0, budget_s=budget_s)


def _run(
    bench: Bench,
    plan: dict[str, list[int]],
    report: Report,
    *,
    search_rows: int,
    budget_s: float,
) -> None:
    count = sum(len(counts) for counts in plan.values())

    async def run() -> None:
        cancel_on_sigterm()
        if search_rows:
            starts = {name: counts[-1] for name, counts in plan.items()}
            await run_search(bench, starts, rows=search_rows, told=told)
        else:
            await run_rows(bench, plan, budget_s=budget_s, told=told)

    def told(row: Row) -> None:
        report.add(row)
        console.print(
            f"{SERVERS[row.server].title:>10} {row.calls:>4} calls  "
            f"{row.cpu_per_call_percent:.3f} % a call  {verdict(row)}  "
            f"[dim]{escape('; '.join(row.problems))}[/]"
        )

    about = "searching" if search_rows else f"{count} rows, about {row_s(bench) * count:.0f} s"
    console.print(
        f"density, {bench.vad} VAD: {about}; servers on core {bench.server_core}, "
        f"callers on core {bench.client_core}"
    )
    try:
        with console.status("measuring"):
            uvloop.run(run())
    finally:
        if report.rows:
            console.print(report.table())
            for line in report.capacity_lines():
                console.print(line)
            for path in report.write():
                console.print(f"[dim]{path}[/]")


def parse_calls(
    given: list[str], servers: list[str], default: dict[str, list[int]]
) -> dict[str, list[int]]:
    """What to measure: ``20,50`` counts for all ``servers``, ``palabre=100,500`` for one."""
    for name in servers:
        if name not in SERVERS:
            raise BenchError(f"there is no server {name!r}; choose from {', '.join(SERVERS)}")
    plan = {name: list(default[name]) for name in servers}
    for item in given:
        name, separator, counts = item.rpartition("=")
        if separator and name not in plan:
            raise BenchError(f"--calls {item}: {name!r} is not measured; name one of {servers}")
        try:
            numbers = [int(count) for count in counts.split(",")]
        except ValueError:
            numbers = []
        if not numbers or min(numbers) < 1:
            raise BenchError(f"--calls {item}: expected counts such as 20,50 or palabre=100,500")
        for key in [name] if separator else list(plan):
            plan[key] = numbers
    return plan
