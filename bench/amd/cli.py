"""`python -m bench amd`: who answered, told from generated greetings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench.amd.report import Report
from bench.amd.run import Plan, run
from bench.amd.scenes import KINDS, LANGUAGES
from bench.command import ending_well
from bench.errors import BenchError
from bench.machine import describe
from engine.errors import SpeechError
from pipelines.speech.models import find_model
from server.settings import Settings

__all__ = ["amd"]

VERSIONS = ("palabre", "vosk", "espeakng-loader", "soxr", "numpy")

console = Console()
#: The tables' own width; a pipe has none.
console.width = max(console.width, 112)


def amd(
    *,
    scenes: Annotated[int, typer.Option(help="Scenes of each kind in each language.")] = 40,
    language: Annotated[list[str] | None, typer.Option(help="fr, en, or both.")] = None,
    words: Annotated[bool, typer.Option(help="Let the recognisers that are here listen.")] = True,
    asterisk: Annotated[bool, typer.Option(help="Run Asterisk's AMD() on the same.")] = True,
    seed: Annotated[int, typer.Option(help="Chooses texts, voices, tones and lines.")] = 2,
    out: Annotated[Path, typer.Option(help="Where the JSON goes.")] = Path("out/bench"),
) -> None:
    """Precision, recall and time to decide, by kind; beside Asterisk's own AMD()."""
    with ending_well(console):
        languages = language or list(LANGUAGES)
        if unknown := [one for one in languages if one not in LANGUAGES]:
            raise BenchError(f"no scenes are in {unknown[0]!r}; there are: {', '.join(LANGUAGES)}")
        if scenes < 1:
            raise BenchError(f"--scenes {scenes}: a kind needs at least one")
        settings = {
            "scenes": scenes,
            "kinds": [str(kind) for kind in KINDS],
            "languages": languages,
            "seed": seed,
        }
        report = Report(out, describe(VERSIONS), settings)
        models = _models(languages, report) if words else {}
        plan = Plan(languages, scenes, seed, models, asterisk)
        with console.status("") as status:
            run(plan, report, status.update)
        for table in report.tables():
            console.print(table)
        for text in report.lines_of_text():
            console.print(text, highlight=False, soft_wrap=True)
        console.print(f"[dim]{report.write()}[/]")


def _models(languages: list[str], report: Report) -> dict[str, Path]:
    """The recogniser of each language that has one."""
    found = {}
    for language in languages:
        try:
            found[language] = find_model(language, Settings().models_dir).path
        except SpeechError as error:
            report.missing.append(f"no words were recognised in {language}: {error}")
    return found
