"""What the benches' commands share: how they end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator

import typer
from rich.console import Console
from rich.markup import escape

from bench.errors import BenchError

__all__ = ["cancel_on_sigterm", "ending_well"]


@contextlib.contextmanager
def ending_well(console: Console) -> Iterator[None]:
    """Exit with 1 and what to do for an error, with 130 for an interruption."""
    try:
        yield
    except BenchError as error:
        console.print(f"[red]{error.code}[/]: {escape(str(error))}")
        raise typer.Exit(1) from error
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("interrupted; what was measured until then is kept")
        raise typer.Exit(130) from None


def cancel_on_sigterm() -> None:
    """Let SIGTERM do what Ctrl-C does: cancel this task, so that the server is ended."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
