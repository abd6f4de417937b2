"""`python -m bench barge-in`: how soon we fall silent when a caller speaks over us."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from bench.barge_in.callers import Phase, plan_phases
from bench.barge_in.outcome import PhaseResult
from bench.barge_in.report import Report, silent_ms
from bench.barge_in.run import Bench, measure_phases
from bench.command import cancel_on_sigterm, ending_well
from bench.errors import BenchError
from bench.machine import choose_cores, describe, pin
from bench.quiet import Cores
from bench.response.cli import VERSIONS
from bench.response.run import voices
from bench.served import own_command
from bench.stats import Summary

__all__ = ["barge_in"]

INTERRUPTION_S, BACKCHANNEL_S = 3.6, 8.8
"""What a trial takes with the turn around it; a backchannel is heard out."""

console = Console()
#: The table's own width; a narrower terminal wraps it, and a pipe has none.
console.width = max(console.width, 124)


def barge_in(
    *,
    calls: Annotated[int, typer.Option(help="Calls at once.")] = 8,
    interruptions: Annotated[int, typer.Option(help="In each call.", min=0)] = 7,
    backchannels: Annotated[int, typer.Option(help="In each call.", min=0)] = 3,
    seed: Annotated[int, typer.Option(help="Chooses moments, words, voices and noise.")] = 1,
    vad: Annotated[str, typer.Option(help="webrtc, silero or auto.")] = "webrtc",
    budget_s: Annotated[
        float, typer.Option(help="Seconds that repeats of disturbed phases may fill the run up to.")
    ] = 285.0,
    server_core: Annotated[int | None, typer.Option(help="Core of the server.")] = None,
    client_core: Annotated[int | None, typer.Option(help="Core of the callers.")] = None,
    palabre: Annotated[str, typer.Option(help="Our command line.")] = "",
    out: Annotated[Path, typer.Option(help="Where the JSON and the plot go.")] = Path("out/bench"),
) -> None:
    """Callers speak over the engine at random moments: far ends that pause, clear, or neither."""
    with ending_well(console):
        cores = Cores(*choose_cores(server_core, client_core))
        machine = describe(VERSIONS)
        pin(cores.client)
        phases = plan_phases(calls)
        bench = Bench(
            palabre=tuple(palabre.split()) or own_command(),
            vad=vad,
            seed=seed,
            voices=voices(),
            interruptions=interruptions,
            backchannels=backchannels,
            cores=cores,
            log_directory=out / "logs",
        )
        each_s = interruptions * INTERRUPTION_S + backchannels * BACKCHANNEL_S + 4
        console.print(
            f"barge-in, {vad} VAD: {len(phases)} phases of about {each_s:.0f} s; server on core "
            f"{cores.server}, callers on core {cores.client}"
        )
        results = _run(bench, phases, budget_s)
        if not any(result.outcomes for result in results):
            raise BenchError(f"no trial could be made; see {bench.log_directory}/barge_in.log")
        report = Report(out, machine, bench, results)
        console.print(report.table())
        for line in report.lines():
            console.print(line, highlight=False)
        for path in report.write():
            console.print(f"[dim]{path}[/]")


def _run(bench: Bench, phases: list[Phase], budget_s: float) -> list[PhaseResult]:
    with console.status("starting the server") as status:

        def began(phase: Phase) -> None:
            status.update(f"{phase.name}: {phase.calls} at once")

        def told(phase: Phase, result: PhaseResult) -> None:
            silent = Summary.of(silent_ms(result))
            right = sum(one.right for one in result.outcomes)
            console.print(
                f"{phase.name:<23} silent after p50 {silent.p50:.0f} ms, p95 {silent.p95:.0f}; "
                f"{right} of {len(result.outcomes)} decided right  "
                f"[yellow]{'; '.join(result.problems)}[/]",
                highlight=False,
            )

        async def run() -> list[PhaseResult]:
            cancel_on_sigterm()
            return await measure_phases(bench, phases, budget_s=budget_s, began=began, told=told)

        return uvloop.run(run())
