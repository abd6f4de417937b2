"""`python -m bench`: one command for each bench."""

from __future__ import annotations

import typer

from bench.accuracy.cli import accuracy
from bench.amd.cli import amd
from bench.barge_in.cli import barge_in
from bench.density.cli import density
from bench.response.cli import response
from bench.telephony.cli import telephony
from bench.turn_taking.cli import turn_taking
from bench.webrtc.cli import webrtc

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, add_completion=False, help=__doc__)
app.command()(density)
app.command()(response)
app.command()(barge_in)
app.command()(accuracy)
app.command()(telephony)
app.command()(turn_taking)
app.command()(amd)
app.command()(webrtc)


@app.callback()
def main() -> None:
    """The benches of Palabre."""
