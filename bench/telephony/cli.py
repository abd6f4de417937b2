"""`python -m bench telephony`: calls through a real Asterisk, measured at the far end's RTP."""

from __future__ import annotations

import gc
import time
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from bench.command import cancel_on_sigterm, ending_well
from bench.errors import BenchError
from bench.machine import choose_cores, describe, pin
from bench.quiet import Cores
from bench.served import own_command
from bench.telephony.caller import said
from bench.telephony.load import measure_chaos, measure_density
from bench.telephony.phases import measure_clearing, measure_greeting, measure_response
from bench.telephony.report import Results
from bench.telephony.rig import Plan, Rig

__all__ = ["telephony"]

PHASES = ("response", "greeting", "clearing", "density", "chaos")
VERSIONS = ("palabre", "espeakng-loader", "webrtcvad-wheels", "uvicorn", "uvloop", "numpy")
KILLS = 3
"""How often the engine is killed among calls."""
ANSWER = "oui bonjour madame"
INTERRUPTION = "oui bonjour madame je voudrais bien vous parler"
"""Without words to go by, as here, the engine takes only long speech for an interruption."""

console = Console()
console.width = max(console.width, 112)


def telephony(
    *,
    only: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(PHASES)}.")] = None,
    tries: Annotated[
        int, typer.Option(help="Answers, greetings and interruptions: so many of each.", min=1)
    ] = 20,
    calls: Annotated[int, typer.Option(help="Calls at once.", min=1)] = 100,
    hold_s: Annotated[float, typer.Option(help="Seconds each of them lasts.")] = 20.0,
    hangups: Annotated[int, typer.Option(help="Calls hung up at random moments.")] = 200,
    seed: Annotated[int, typer.Option(help="Chooses the moments.")] = 1,
    server_core: Annotated[int | None, typer.Option(help="Of the engine.")] = None,
    client_core: Annotated[int | None, typer.Option(help="Core of the callers.")] = None,
    palabre: Annotated[str, typer.Option(help="Our command line.")] = "",
    out: Annotated[Path, typer.Option(help="Where JSON and logs go.")] = Path("out/bench"),
) -> None:
    """Real SIP calls through a real Asterisk: what a caller waits for, and what is left behind.

    The engine runs with --speech null: recognition is other benches' subject.
    """
    with ending_well(console):
        wanted = tuple(only or PHASES)
        if strange := set(wanted) - set(PHASES):
            raise BenchError(f"--only {', '.join(strange)}: there are {', '.join(PHASES)}")
        cores = Cores(*choose_cores(server_core, client_core))
        machine = describe(VERSIONS)
        pin(cores.client)
        plan = Plan(tuple(palabre.split()) or own_command(), seed, cores, out)
        results = Results()

        async def run() -> None:
            cancel_on_sigterm()
            words, longer = (said(text, "fr", seed=seed) for text in (ANSWER, INTERRUPTION))
            # What a run keeps, it keeps to its end: looking through it would make callers late.
            gc.collect()
            gc.freeze()
            gc.disable()
            async with Rig.up(plan) as rig:
                for phase in wanted:
                    began = time.monotonic()
                    with console.status(phase):
                        match phase:
                            case "response":
                                results.response = await measure_response(rig, words, turns=tries)
                            case "greeting":
                                results.greeting = await measure_greeting(rig, words, calls=tries)
                            case "clearing":
                                results.clearing = await measure_clearing(
                                    rig, longer, tries=tries, seed=seed
                                )
                            case "density":
                                results.density = await measure_density(
                                    rig, words, calls=calls, hold_s=hold_s
                                )
                            case _:
                                results.chaos = await measure_chaos(
                                    rig, words, calls=hangups, kills=KILLS, seed=seed
                                )
                    results.seconds[phase] = time.monotonic() - began
                    console.print(f"{phase}: {results.seconds[phase]:.0f} s", highlight=False)

        console.print(
            f"telephony: engine on core {cores.server}, callers on {cores.client}, "
            "Asterisk on either"
        )
        uvloop.run(run())
        console.print(results.table())
        if results.density:
            for problem in results.density.quiet.problems():
                console.print(f"[yellow]density: {problem}[/]")
        console.print(f"[dim]{results.write(out, machine)}[/]")
        if not all(goal.kept for goal in results.goals()):
            raise typer.Exit(1)
