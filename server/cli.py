"""The command line: `palabre`. A command's own code is imported when it runs."""

from __future__ import annotations

import typer

from server.commands import asterisk as asterisk_command
from server.commands import chat as chat_command
from server.commands import models as models_command
from server.commands import phone as phone_command
from server.commands import serve as serve_command
from server.commands import sim as sim_command
from server.commands import talk as talk_command

__all__ = ["app", "main"]

app = typer.Typer(
    help="Palabre, a realtime conversation engine.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(phone_command.call)
app.command()(phone_command.calls)
app.command()(chat_command.chat)
app.command()(serve_command.serve)
app.command()(sim_command.sim)
app.command()(talk_command.talk)
app.add_typer(asterisk_command.app, name="asterisk")
app.add_typer(models_command.app, name="models")


def main() -> None:
    app()
