"""`python -m bench accuracy`: what recognisers make of callers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import uvloop
from rich.console import Console

from bench.accuracy.conditions import CONDITIONS
from bench.accuracy.measure import Row
from bench.accuracy.report import Report
from bench.accuracy.run import Plan, run
from bench.accuracy.systems import DEEPGRAM, System, named
from bench.command import cancel_on_sigterm, ending_well
from bench.errors import BenchError
from bench.machine import describe
from server.settings import Settings

__all__ = ["accuracy"]

VERSIONS = ("palabre", "vosk", "espeakng-loader", "soxr", "numpy", "uvloop", "deepgram-sdk")

console = Console()
#: The tables' own width; a pipe has none.
console.width = max(console.width, 112)


def accuracy(  # noqa: PLR0913 (the options of a command are its parameters)
    *,
    model: Annotated[
        list[str] | None,
        typer.Option(
            help="A model's name, its path, name=path, or deepgram; several are compared."
        ),
    ] = None,
    language: Annotated[str, typer.Option(help="fr or en.")] = "fr",
    sentences: Annotated[int, typer.Option(help="Sentences, and commands, of each row.")] = 60,
    voices: Annotated[
        list[str] | None,
        typer.Option(help="espeak, seen; espeak, unseen; human; or a synthesiser's name."),
    ] = None,
    line: Annotated[
        list[str] | None, typer.Option(help="A line by the beginning of its name: clean, µ, noise.")
    ] = None,
    voice_command: Annotated[
        list[str] | None,
        typer.Option(help="Another synthesiser: name=command with {text} and {out}, a WAV file."),
    ] = None,
    recordings: Annotated[Path, typer.Option(help="People: x.wav or x.ogg beside x.txt.")] = Path(
        "../shared/audio"
    ),
    streams: Annotated[bool, typer.Option(help="Count the streams that a core carries.")] = True,
    core: Annotated[int | None, typer.Option(help="The core on which they are counted.")] = None,
    seed: Annotated[int, typer.Option(help="Chooses sentences, voices and noise.")] = 1,
    deepgram_key: Annotated[
        str, typer.Option(envvar="DEEPGRAM_API_KEY", help="For --model deepgram.")
    ] = "",
    out: Annotated[Path, typer.Option(help="Where the JSON and the plot go.")] = Path("out/bench"),
) -> None:
    """Word errors, rejection, latency and streams per core, by voice and line."""
    with ending_well(console):
        if sentences < 1:
            raise BenchError(f"--sentences {sentences}: a row needs at least one")
        models_dir = Settings().models_dir
        wanted = model or [f"vosk-{language}-demo", DEEPGRAM]
        systems = [named(one, language, models_dir, deepgram_key) for one in wanted]
        plan = Plan(
            language=language,
            sentences=sentences,
            seed=seed,
            conditions=[c for c in CONDITIONS if not line or c.name.startswith(tuple(line))],
            voices=voices or (),
            external=dict(_pair(one) for one in voice_command or ()),
            recordings=recordings,
            core=core,
            streams=streams,
        )
        if not plan.conditions:
            names = ", ".join(c.name for c in CONDITIONS)
            raise BenchError(f"no line begins with {' or '.join(line or ())}; there are: {names}")
        settings = {
            "language": language,
            "sentences": sentences,
            "seed": seed,
            "systems": list(wanted),
        }
        report = Report(out, describe(VERSIONS), settings)
        _run(plan, systems, report)
        for table in report.tables():
            if table.row_count:
                console.print(table)
        for text in report.lines():
            console.print(text, highlight=False, soft_wrap=True)
        for path in report.write():
            console.print(f"[dim]{path}[/]")


def _run(plan: Plan, systems: list[System], report: Report) -> None:
    with console.status("") as status:

        def told(row: Row) -> None:
            console.print(
                f"{row.system:<14} {row.group:<15} {row.condition:<13} "
                f"WER {row.open.wer_percent or 0:.1f} %, commands "
                f"{row.commands.wer_percent or 0:.1f} %",
                highlight=False,
            )

        async def go() -> None:
            cancel_on_sigterm()
            await run(plan, systems, report, began=status.update, told=told)

        uvloop.run(go())


def _pair(option: str) -> tuple[str, str]:
    name, equals, command = option.partition("=")
    if not equals:
        raise BenchError(f"--voice-command {option!r}: give it as name=command")
    return name, command
