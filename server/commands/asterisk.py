"""`palabre asterisk`: an Asterisk that you have, and what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="An Asterisk that you have, and what it needs.")

Engine = Annotated[
    str,
    typer.Option(help="This engine as Asterisk reaches it; ws://<host>:<port> of the settings."),
]


@app.command()
def config(
    engine: Engine = "",
    media: Annotated[
        str,
        typer.Option(help="server: we dial Asterisk; or the name of a client that dials us."),
    ] = "",
    dialplan: Annotated[
        bool, typer.Option("--dialplan", help="Without ARI: answered by the dialplan alone.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the files into this folder instead.")
    ] = None,
) -> None:
    """Print the configuration to paste into Asterisk, from this engine's settings.

    Exit codes: 0 printed, 2 wrong usage or settings.
    """
    from engine.errors import ConfigurationError
    from server.asterisk.configuration import configuration
    from server.asterisk.wanted import wanted
    from server.settings import Settings

    try:
        settings = Settings()
        files = configuration(wanted(settings, engine=engine, media=media, ari=not dialplan))
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            for name, text in files.items():
                (out / name).write_text(text, encoding="utf-8")
                typer.echo(str(out / name))
            return
    except (ConfigurationError, OSError) as error:
        typer.echo(f"palabre asterisk config: {error}", err=True)
        raise typer.Exit(2) from None
    typer.echo("\n".join(files.values()), nl=False)


@app.command()
def check(engine: Engine = "") -> None:
    """Inspect the Asterisk of this engine's settings, and say what to change.

    Its media is tried with two channels of the check's own, which no call notices. Exit codes: 0
    ready, 1 something has to be changed, 2 wrong usage or settings.
    """
    import asyncio

    from rich.console import Console

    from engine.errors import ConfigurationError
    from server.asterisk.check.report import tell
    from server.asterisk.check.run import check as run
    from server.asterisk.wanted import wanted
    from server.settings import Settings

    console = Console(highlight=False, soft_wrap=True)
    try:
        settings = Settings()
        ready = asyncio.run(
            run(wanted(settings, engine=engine), lambda finding: tell(console, finding))
        )
    except ConfigurationError as error:
        typer.echo(f"palabre asterisk check: {error}", err=True)
        raise typer.Exit(2) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(0 if ready else 1)
