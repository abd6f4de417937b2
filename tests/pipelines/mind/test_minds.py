"""The ladder of understanding."""

import asyncio
from pathlib import Path

from engine.clock import SystemClock
from engine.flow import Question
from engine.ladder import StepDown
from pipelines.mind import minds
from pipelines.mind.ollama import Ollama
from tests.pipelines.mind.knowledge import KNOWLEDGE, QUESTION


def test_a_language_model_that_is_not_there_gives_way_to_the_examples(tmp_path: Path) -> None:
    async def main() -> None:
        clock = SystemClock()
        ollama = Ollama("http://127.0.0.1:9")  # discard: nobody listens
        steps: list[StepDown] = []
        ladder = minds(KNOWLEDGE, clock, tmp_path, ollama)
        understanding = await ladder.climb_down(
            clock.now() + 5, "un livret a", Question("q1", QUESTION), on_step=steps.append
        )
        await ollama.close()
        assert (understanding.intent, understanding.source) == ("holds", "examples")
        assert steps == [StepDown("ollama", "understanding.unavailable")]

    asyncio.run(main())


def test_without_one_there_are_the_examples_alone() -> None:
    assert [rung.name for rung in minds(KNOWLEDGE, SystemClock()).rungs] == ["examples"]
