"""`python -m bench webrtc`: what WebRTC costs beyond the bare WebSocket."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich import box
from rich.console import Console
from rich.table import Table

from bench.command import cancel_on_sigterm, ending_well
from bench.density.script import to_last_loud_frame
from bench.machine import choose_cores, describe, pin
from bench.served import free_port, own_command, served
from bench.speech import speak
from bench.stats import Summary
from bench.webrtc.run import TRANSPORTS, Cost, measure_cpu, measure_response

__all__ = ["webrtc"]

WORDS = "oui bonjour madame"
FEW = 5
"""Answers of one call."""
VERSIONS = ("palabre", "aiortc", "aioice", "av", "pylibsrtp", "websockets", "uvloop")

console = Console()


def webrtc(
    *,
    turns: Annotated[int, typer.Option(help="Answers over each transport.")] = 40,
    calls: Annotated[int, typer.Option(help="Calls at once, for their CPU.")] = 10,
    seconds: Annotated[float, typer.Option(help="How long their CPU is measured.")] = 20.0,
    server_core: Annotated[int | None, typer.Option(help="Core of the server.")] = None,
    client_core: Annotated[int | None, typer.Option(help="Core of the callers.")] = None,
    out: Annotated[Path, typer.Option(help="Where the JSON goes.")] = Path("out/bench"),
) -> None:
    """The same null speech over both: the wait at the far end, and the CPU of a call."""
    with ending_well(console):
        server, client = choose_cores(server_core, client_core)
        pin(client)
        console.print(
            f"webrtc: {turns} answers over each transport in turn, then {calls} calls at once for "
            f"{seconds:.0f} s; server on core {server}, callers on core {client}"
        )
        with console.status("calling"):
            responses, costs = uvloop.run(_run(turns, calls, seconds, server, out / "logs"))
        console.print(_table(responses, costs))
        path = out / "webrtc.json"
        path.write_text(
            json.dumps(
                {
                    "machine": describe(VERSIONS),
                    "response_ms": responses,
                    "cpu_percent": {cost.transport: cost.percent for cost in costs},
                    "calls": calls,
                },
                indent=2,
            )
        )
        console.print(f"[dim]{path}[/]")


async def _run(
    turns: int, calls: int, seconds: float, core: int, logs: Path
) -> tuple[dict[str, list[float]], list[Cost]]:
    """Every other call goes over the other transport, so that what disturbs one disturbs both."""
    cancel_on_sigterm()
    words = to_last_loud_frame(speak(WORDS))
    port = free_port()
    command = [*own_command(), "serve", "--speech", "null", "--vad", "webrtc", "--port", str(port)]
    log = logs / "webrtc.log"
    responses: dict[str, list[float]] = {transport: [] for transport in TRANSPORTS}
    async with served(command, name="palabre", port=port, core=core, log_path=log) as process:
        while len(responses["WebRTC"]) < turns:
            for transport, found in responses.items():
                few = min(FEW, turns - len(found))
                found.extend(await measure_response(transport, port, words, few))
        costs = [
            await measure_cpu(transport, port, process.pid, words, calls, seconds)
            for transport in TRANSPORTS
        ]
    return responses, costs


def _table(responses: dict[str, list[float]], costs: list[Cost]) -> Table:
    table = Table(box=box.SIMPLE)
    for title in ("", "response p50", "p95", "worst", "CPU a call", "calls until a core is full"):
        table.add_column(title, justify="left" if not title else "right")
    for cost in costs:
        heard = Summary.of(responses[cost.transport])
        table.add_row(
            cost.transport,
            *(f"{ms:.0f} ms" for ms in (heard.p50, heard.p95, heard.max)),
            f"{cost.percent:.2f} %",
            f"{cost.calls_a_core}",
        )
    return table
