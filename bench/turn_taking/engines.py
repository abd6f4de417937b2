"""The engines under test: how each is started, and where a caller reaches it."""

from __future__ import annotations

from dataclasses import dataclass

from bench.served import HOST
from bench.turn_taking.callers import Condition
from bench.turn_taking.lines import SCENARIO

__all__ = ["ENGINES", "Engine", "Kit"]

FEATURES = "mark,clear,pause"


@dataclass(frozen=True, slots=True)
class Kit:
    """What the engines are started with, beyond their port. `model` is a recogniser, by name or
    path: both hear with it."""

    palabre: tuple[str, ...]
    pipecat_python: str
    model: str


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine."""

    name: str
    title: str

    def command(self, kit: Kit, port: int) -> list[str]:
        """The command line that serves on `port`."""
        given = ["--port", str(port), "--scenario", str(SCENARIO), "--model", kit.model]
        if self.name == "palabre":
            return [*kit.palabre, "serve", *given]
        return [kit.pipecat_python, "-m", "bench.turn_taking.pipecat_server", *given]

    def url(self, port: int, condition: Condition) -> str:
        """Of a call over the line of `condition`."""
        return f"ws://{HOST}:{port}/media?rate={condition.rate_hz}&features={FEATURES}"


ENGINES = {
    engine.name: engine for engine in (Engine("palabre", "Palabre"), Engine("pipecat", "pipecat"))
}
