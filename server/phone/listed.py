"""`palabre calls`: the calls that a server runs."""

from __future__ import annotations

from typing import Any

import httpx
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine.errors import PalabreError

__all__ = ["ServerSilentError", "fetch", "show"]

TIMEOUT_S = 5.0


class ServerSilentError(PalabreError):
    """No server answers where one was looked for."""

    code = "server.silent"


def fetch(url: str) -> list[dict[str, Any]]:
    """The running calls of the server at `url`. Raises ServerSilentError."""
    try:
        answer = httpx.get(f"{url.rstrip('/')}/calls", timeout=TIMEOUT_S, trust_env=False)
        answer.raise_for_status()
        calls: list[dict[str, Any]] = answer.json()["calls"]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ServerSilentError(
            f"no server answers at {url}: {error}; start `palabre serve`, or name one with --url"
        ) from None
    except (ValueError, KeyError, TypeError):
        raise ServerSilentError(f"what answers at {url} is no Palabre server") from None
    return calls


def show(calls: list[dict[str, Any]], console: Console) -> None:
    """A line for each."""
    if not calls:
        console.print("no calls")
        return
    table = Table(show_edge=False)
    for column in ("session", "by", "scenario", "language", "state"):
        table.add_column(column)
    table.add_column("turns", justify="right")
    table.add_column("for", justify="right")
    for call in calls:
        minutes, seconds = divmod(int(call["lasts_s"]), 60)
        names = ("session", "origin", "scenario", "language", "state", "turns")
        table.add_row(*(escape(str(call[name])) for name in names), f"{minutes}:{seconds:02d}")
    console.print(table)
