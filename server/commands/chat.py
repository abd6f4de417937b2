"""`palabre chat`: a scenario in the terminal, in writing."""

from __future__ import annotations

from typing import Annotated

import typer

__all__ = ["chat"]


def chat(
    scenario: Annotated[str, typer.Argument(help="A scenario's name, or its file.")] = "leads",
    lang: Annotated[str | None, typer.Option(help="One of the scenario's languages.")] = None,
    verbose: Annotated[
        bool,
        typer.Option("--verbose", "-v", help="Show what was understood, and each turn's time."),
    ] = False,
) -> None:
    """Talk to a scenario in writing: a line is a message.

    Works in a pipe as well: printf 'oui\\nlivret a\\n' | palabre chat leads. Ctrl-D or Ctrl-C
    ends it. Exit codes: 0 the conversation was held, 2 wrong usage.
    """
    import asyncio

    from engine.errors import ConfigurationError
    from server.chat import converse

    try:
        asyncio.run(converse(scenario, lang, verbose=verbose))
    except ConfigurationError as error:
        typer.echo(f"palabre chat: {error}", err=True)
        raise typer.Exit(2) from None
