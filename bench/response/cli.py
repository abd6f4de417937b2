"""`python -m bench response`: how long a caller waits for an answer, and for what."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from bench.command import cancel_on_sigterm, ending_well
from bench.errors import BenchError
from bench.machine import choose_cores, describe, pin
from bench.quiet import Cores
from bench.response.callers import CallPlan, plan_calls
from bench.response.report import Report
from bench.response.run import Bench, measure_calls, voices
from bench.response.turns import CallResult
from bench.served import own_command
from bench.stats import Summary

__all__ = ["response"]

VERSIONS = (
    "palabre",
    "vosk",
    "espeakng-loader",
    "scikit-learn",
    "webrtcvad-wheels",
    "onnxruntime",
    "soxr",
    "websockets",
    "uvicorn",
    "uvloop",
    "numpy",
)
CALL_S = 42
"""A call of six turns, of which the engine speaks for 28 s."""

console = Console()
#: The lines' own width; a pipe has none.
console.width = max(console.width, 112)


def response(
    *,
    turns: Annotated[int, typer.Option(help="Answers of callers, six a call.")] = 36,
    seed: Annotated[int, typer.Option(help="Chooses voices, noise and pauses for thought.")] = 1,
    vad: Annotated[str, typer.Option(help="webrtc, silero or auto.")] = "webrtc",
    budget_s: Annotated[
        float, typer.Option(help="Seconds that repeats of disturbed calls may fill the run up to.")
    ] = 285.0,
    server_core: Annotated[int | None, typer.Option(help="Core of the server.")] = None,
    client_core: Annotated[int | None, typer.Option(help="Core of the callers.")] = None,
    palabre: Annotated[str, typer.Option(help="Our command line.")] = "",
    out: Annotated[Path, typer.Option(help="Where the JSON and the plot go.")] = Path("out/bench"),
) -> None:
    """The local stack answers one caller at a time: the wait at the far end, stage by stage."""
    with ending_well(console):
        cores = Cores(*choose_cores(server_core, client_core))
        machine = describe(VERSIONS)
        pin(cores.client)
        plans = plan_calls(turns, voices(), seed)
        command = tuple(palabre.split()) or own_command()
        bench = Bench(command, vad, seed, cores, out / "logs")
        console.print(
            f"response, {vad} VAD: {turns} turns in {len(plans)} calls, one at a time, about "
            f"{turns * CALL_S / 6 + 10:.0f} s; server on core {cores.server}, "
            f"callers on core {cores.client}"
        )
        results = _run(bench, plans, budget_s)
        report = Report(out, machine, bench, results)
        if not report.turns:
            raise BenchError(f"no call was answered; see {bench.log_directory}/response.log")
        for table in report.tables():
            console.print(table)
        for line in report.lines():
            console.print(line, highlight=False)
        for path in report.write():
            console.print(f"[dim]{path}[/]")


def _run(bench: Bench, plans: list[CallPlan], budget_s: float) -> list[CallResult]:
    with console.status("starting the server") as status:

        def began(plan: CallPlan) -> None:
            status.update(
                f"call {plan.number} of {len(plans)}: {plan.voice}, {plan.condition.name}"
            )

        def told(plan: CallPlan, result: CallResult) -> None:
            heard = Summary.of(turn.heard_ms for turn in result.turns)
            correct = sum(turn.correct for turn in result.turns)
            console.print(
                f"call {plan.number}: {plan.condition.name:<17} {plan.voice.name:<6} "
                f"p50 {heard.p50:.0f} ms, worst {heard.max:.0f}, understood {correct} of "
                f"{len(result.turns)}  [yellow]{'; '.join(result.quiet.problems())}[/]",
                highlight=False,
            )

        async def run() -> list[CallResult]:
            cancel_on_sigterm()
            return await measure_calls(bench, plans, budget_s=budget_s, began=began, told=told)

        return uvloop.run(run())
