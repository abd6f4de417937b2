"""The lines of the bench's scenario, for an engine that has no scenarios and for the callers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pipelines.audio.loudness import Level, Voice
from pipelines.audio.resample import RATE_HZ, StreamResampler
from pipelines.speech.espeak import synthesise
from scenarios.script import load

__all__ = ["SCENARIO", "Line", "lines"]

SCENARIO = Path(__file__).with_name("scenario.yaml")


@dataclass(frozen=True, slots=True)
class Line:
    """What is said at a step, which `asks` for ``choice``, ``open`` or ``digits``."""

    sentences: tuple[str, ...]
    asks: str

    @property
    def passage(self) -> bool:
        """There is something to be heard before the question."""
        return len(self.sentences) > 1

    def sounds(self, rate_hz: int) -> Sequence[bytes]:
        """Sentence by sentence, in our voice: s16le."""
        return [_sound(sentence, rate_hz) for sentence in self.sentences]

    def seconds(self, rate_hz: int) -> float:
        """How long it is."""
        return sum(map(len, self.sounds(rate_hz))) / (2 * rate_hz)


def lines(scenario: Path = SCENARIO) -> list[Line]:
    """The steps that ask, in the order in which the scenario goes through them."""
    script = load(scenario)
    return [
        Line(step.say, step.expects) for step in script.steps.values() if step.expects != "anything"
    ]


@cache
def _sound(sentence: str, rate_hz: int) -> bytes:
    levelled = Level(Voice()).feed(synthesise(sentence))  # as our server's voices are
    if rate_hz == RATE_HZ:
        return levelled
    return StreamResampler(RATE_HZ, rate_hz).feed(levelled, last=True)
