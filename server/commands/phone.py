"""`palabre call` and `palabre calls`."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["call", "calls"]


def call(
    number: Annotated[str, typer.Argument(help="+33199000001, an extension, or PJSIP/name.")],
    scenario: Annotated[str, typer.Option(help="What the engine plays.")] = "",
    lang: Annotated[str, typer.Option(help="One of the scenario's languages.")] = "",
    caller_id: Annotated[str, typer.Option(help="The number that the other side sees.")] = "",
    timeout_s: Annotated[float, typer.Option(help="How long it may ring.", min=1.0)] = 45.0,
    speech: Annotated[str | None, typer.Option(help="local, or null for trying out.")] = None,
) -> None:
    """Place one call through Asterisk, and show it live. Ctrl-C hangs up.

    Exit codes: 0 answered, 1 not answered, 2 wrong usage or settings, 3 no call could be made.
    """
    from pydantic import ValidationError
    from rich.console import Console

    from engine.errors import ConfigurationError, PalabreError
    from server.log import set_up
    from server.phone.place import Asked, place
    from server.settings import Settings

    console = Console(highlight=False, soft_wrap=True)
    try:
        settings = Settings(**({"speech": speech} if speech else {}))  # type: ignore[arg-type]
    except ValidationError as error:
        typer.echo(f"palabre call: {error.errors()[0]['msg']}", err=True)
        raise typer.Exit(2) from None
    set_up("error", as_json=False)
    try:
        code = place(settings, Asked(number, scenario, lang, caller_id, timeout_s), console)
    except ConfigurationError as error:
        typer.echo(f"palabre call: {error}", err=True)
        raise typer.Exit(2) from None
    except PalabreError as error:
        typer.echo(f"palabre call: {error}", err=True)
        raise typer.Exit(3) from None
    except KeyboardInterrupt:
        console.print("hung up")
        raise typer.Exit(130) from None
    raise typer.Exit(code)


def calls(
    url: Annotated[str, typer.Option(help="A running server; else the settings' port.")] = "",
) -> None:
    """List the calls that a server runs.

    Exit codes: 0 listed, 1 no server answers.
    """
    from rich.console import Console

    from engine.errors import PalabreError
    from server.phone.listed import fetch, show
    from server.settings import Settings

    settings = Settings()
    console = Console(highlight=False)
    try:
        show(fetch(url or f"http://{settings.host}:{settings.port}"), console)
    except PalabreError as error:
        typer.echo(f"palabre calls: {error}", err=True)
        raise typer.Exit(1) from None
