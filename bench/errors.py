"""Errors of the benches; each message says what to do."""

from __future__ import annotations

from engine.errors import PalabreError

__all__ = ["BenchError", "ServerError"]


class BenchError(PalabreError):
    """The bench cannot run as asked; nothing was measured."""

    code = "bench.impossible"


class ServerError(BenchError):
    """A server under test did not start, or ended while it was measured."""

    code = "bench.server"
