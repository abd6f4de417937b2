"""The ladder of understanding: a language model where there is one, then the examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from engine.clock import Clock
from engine.flow import Understanding
from engine.ladder import Ladder, Rung
from pipelines.mind.intents import Knowledge

if TYPE_CHECKING:
    from pipelines.mind.ollama import Ollama

__all__ = ["minds"]


def minds(
    knowledge: Knowledge, clock: Clock, cache: Path | None = None, ollama: Ollama | None = None
) -> Ladder[Understanding]:
    """For all sessions of a scenario: `ollama` under the turn's deadline, then by examples.

    The first time takes seconds of CPU, later ones find what was learnt in the directory `cache`.
    Raises ConfigurationError for a language that examples are not understood in.
    """
    from pipelines.mind.examples import Examples

    rungs = [Rung("examples", Examples.build(knowledge, cache).understand)]
    if ollama is not None:
        from pipelines.mind.ollama import OllamaMind

        rungs.insert(0, Rung("ollama", OllamaMind(ollama, knowledge).understand))
    return Ladder(rungs, clock)
