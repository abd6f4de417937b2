"""`palabre models`: which speech models there are, fetched, checked and built."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from server.commands import train as train_command

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.speech.models import SpeechModel
    from scenarios.script import Script
    from server.settings import Settings

__all__ = ["app"]

app = typer.Typer(
    help="List, fetch, check, build and train speech models.", invoke_without_command=True
)
app.command()(train_command.train)

_Dir = Annotated[
    Path | None, typer.Option("--dir", help="Where models are kept, instead of PALABRE_MODELS_DIR.")
]


def _settings(models_dir: Path | None) -> Settings:
    from server.settings import Settings

    return Settings() if models_dir is None else Settings(models_dir=models_dir)


def _known() -> dict[str, SpeechModel]:
    from pipelines.speech.models import MODELS

    return {model.name: model for model in MODELS}


@app.callback()
def models(context: typer.Context, models_dir: _Dir = None) -> None:
    """List the models: language, kind, size, and what there is of them here."""
    if context.invoked_subcommand is not None:
        return
    from rich.console import Console
    from rich.table import Table

    from pipelines.speech.models import MODELS, state
    from pipelines.speech.models.built import built_here
    from pipelines.speech.models.installed import DEMO

    settings = _settings(models_dir)
    table = Table(box=None, pad_edge=False)
    for column in ("model", "language", "kind", "size", "state"):
        table.add_column(column, no_wrap=True)
    table.add_row(DEMO, "fr", "stt", "3 MB", "built in; for trying out only")
    for model in MODELS:
        here = state(model, settings.models_dir).value
        table.add_row(model.name, model.language, model.kind, f"{model.about_mb} MB", here)
    for name, language, scenario in built_here(settings.models_dir):
        table.add_row(name, language, "stt", "", f"built for {scenario}")
    console = Console(highlight=False)
    console.print(table)
    console.print(f"in {settings.models_dir}", soft_wrap=True)


@app.command()
def fetch(
    names: Annotated[list[str], typer.Argument(help="Models, or languages: fr, en.")],
    models_dir: _Dir = None,
    again: Annotated[bool, typer.Option("--again", help="Replace what is there.")] = False,
) -> None:
    """Fetch models; one that broke off goes on where it was.

    The publishers' checksums are not known here: that of the first download is pinned, and a later
    one that differs is refused.
    """
    from rich.console import Console

    from engine.errors import PalabreError
    from pipelines.speech.models import wanted_models

    settings = _settings(models_dir)
    console = Console(highlight=False, soft_wrap=True)
    try:
        for model in wanted_models(names):
            path = _fetch(model, settings, again, console)
            console.print(f"{model.name} is in {path}")
    except PalabreError as error:
        typer.echo(f"palabre models: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("palabre models: stopped; the same command goes on from here", err=True)
        raise typer.Exit(130) from None


def _fetch(model: SpeechModel, settings: Settings, again: bool, console: Console) -> Path:
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn

    from pipelines.speech.models import fetch as fetch_model

    columns = ("{task.description}", BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(model.name, total=None)

        def show(done: int, total: int | None) -> None:
            progress.update(task, completed=done, total=total)

        return fetch_model(
            model,
            settings.models_dir,
            base_url=settings.models_url,
            again=again,
            on_progress=show,
        )


@app.command()
def build(
    scenario: Annotated[
        str, typer.Option("--scenario", help="One that comes with the engine, or a file's path.")
    ],
    language: Annotated[
        str | None, typer.Option("--language", help="fr, en; the scenario's first if not given.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help="What to add the words to, by name or path.")
    ] = None,
    models_dir: _Dir = None,
) -> None:
    """Give the demo recogniser a scenario's own words: what its callers are expected to say.

    Calls of the scenario are then recognised with it, unless a real model is installed.
    """
    from rich.console import Console

    from engine.errors import PalabreError
    from pipelines.speech.models import built, find_model
    from scenarios import find
    from scenarios.script import load

    settings = _settings(models_dir)
    console = Console(highlight=False, soft_wrap=True)
    try:
        script = load(find(scenario), language)
        base = find_model(script.language, settings.models_dir, model)
        expected = _expected(script)
        with console.status("words") as status:
            done = built.build(base, script.name, expected, settings.models_dir, status.update)
    except PalabreError as error:
        typer.echo(f"palabre models: {error}", err=True)
        raise typer.Exit(1) from None
    for word, said in done.new.items():
        console.print(f"  {word}  {' or '.join(' '.join(phones) for phones in said)}")
    console.print(
        f"{len(done.new)} new of {done.words} words, {len(expected)} sentences; "
        f"{done.path.name} is in {done.path}"
    )


def _expected(script: Script) -> list[str]:
    """What callers of a scenario are expected to say, as a recogniser writes it."""
    from pipelines.speech.corpus import normalise

    sentences = (normalise(text, script.language) for text in script.vocabulary())
    return [sentence for sentence in sentences if sentence]


@app.command()
def check(models_dir: _Dir = None) -> None:
    """Compare every installed model with what was downloaded."""
    from pipelines.speech.models import State, state
    from pipelines.speech.models import check as check_model

    settings = _settings(models_dir)
    broken = False
    for name, model in _known().items():
        here = state(model, settings.models_dir)
        if here in (State.ABSENT, State.PARTIAL):
            continue
        problems = check_model(name, settings.models_dir)
        if here is State.BROKEN:
            problems = problems or ["is not complete"]
        broken = broken or bool(problems)
        for problem in problems:
            typer.echo(f"{name}: {problem}; run `palabre models fetch --again {name}`")
        if not problems:
            typer.echo(f"{name}: as downloaded")
    if broken:
        raise typer.Exit(1)
