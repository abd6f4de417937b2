"""`palabre models train`: the demo recogniser, from nothing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pipelines.speech.training.run import Progress

__all__ = ["train"]

_LONGEST_PATH = 100
"""espeak-ng takes the path of its data up to 160 characters."""


def train(
    language: Annotated[str, typer.Option("--language", help="fr or en.")] = "fr",
    to: Annotated[
        Path | None, typer.Option("--to", help="Where the model goes, instead of below --work.")
    ] = None,
    work: Annotated[
        Path, typer.Option("--work", help="Keeps what is done so far: some 3 GB.")
    ] = Path("build/training"),
    shards: Annotated[
        int | None, typer.Option("--shards", min=1, help="Parts of about 40 minutes of speech.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", min=1, help="How often all of it is learnt from.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed")] = 1,
) -> None:
    """Train the demo recogniser on speech synthesised here: about half an hour on two cores.

    Stopped, it goes on where it was when started again. Needs the extra `train`.
    """
    from dataclasses import replace

    from rich.console import Console

    from engine.errors import PalabreError
    from pipelines.speech.corpus import LANGUAGES
    from pipelines.speech.training.make import make
    from pipelines.speech.training.run import SHIPPED

    if language not in LANGUAGES:
        typer.echo(f"palabre models: no corpus in {language!r}; fr and en have one", err=True)
        raise typer.Exit(2)
    if len(str(work.resolve())) > _LONGEST_PATH:
        typer.echo(f"palabre models: {work.resolve()} is too long a path; use --work", err=True)
        raise typer.Exit(2)
    settings = SHIPPED[language]
    settings = replace(
        settings,
        seed=seed,
        shards=shards or settings.shards,
        epochs=epochs or settings.epochs,
    )
    target = to or work / f"vosk-{language}-demo"
    console = Console(highlight=False, soft_wrap=True)
    try:
        with console.status("") as status:

            def show(progress: Progress) -> None:
                console.print(
                    f"network {progress.done}/{progress.total}: {progress.loss:.3f} nats, "
                    f"{100 * progress.right:.1f} % of steps right"
                )

            facts = make(settings, work.resolve(), target, status.update, show)
    except PalabreError as error:
        typer.echo(f"palabre models: {error}", err=True)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        typer.echo("palabre models: stopped; the same command goes on from here", err=True)
        raise typer.Exit(130) from None
    for heard, rate in facts.error_rates.items():
        console.print(f"  {heard}: {rate:.1f} % of words wrong")
    console.print(f"the model is in {target}")
