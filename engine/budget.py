"""The latency budget: marks on one clock, spans that add up to the gap, deadlines for stages.

A mark is when something happened in a turn; a span is the time between two marks that follow one
another, named after the stage that spent it. Whatever marks a turn has, its spans add up to the
gap from the user's last sound to our first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["MARKS", "STAGES", "LatencyBudget", "Mark", "Marks", "spans"]


class Mark(StrEnum):
    """The moments of a turn, in the order in which they happen."""

    SPEECH_END = "speech_end"
    ENDPOINT = "endpoint"
    TRANSCRIPT = "transcript"
    INTENT = "intent"
    FIRST_TOKEN = "first_token"
    FIRST_SENTENCE = "first_sentence"
    FIRST_AUDIO = "first_audio"
    FIRST_PLAYED = "first_played"


MARKS = tuple(Mark)

Marks = dict[Mark, float]
"""Seconds on the monotonic clock."""

STAGES: Mapping[Mark, str] = {
    Mark.ENDPOINT: "endpointing",
    Mark.TRANSCRIPT: "transcription",
    Mark.INTENT: "understanding",
    Mark.FIRST_TOKEN: "understanding",
    Mark.FIRST_SENTENCE: "understanding",
    Mark.FIRST_AUDIO: "speech",
    Mark.FIRST_PLAYED: "playout",
}
"""The stage that works towards each mark."""


def spans(marks: Mapping[Mark, float]) -> dict[str, float]:
    """Milliseconds per stage, in order; they add up to last mark minus first.

    A mark that lies before an earlier one (a reply that was ready before the endpoint) takes no
    time of its own.
    """
    out: dict[str, float] = {}
    at: float | None = None
    for mark in MARKS:
        if mark not in marks:
            continue
        if at is not None:
            stage = STAGES[mark]
            out[stage] = out.get(stage, 0.0) + max(0.0, marks[mark] - at) * 1000
        at = marks[mark] if at is None else max(at, marks[mark])
    return out


@dataclass(frozen=True, slots=True)
class LatencyBudget:
    """Milliseconds allowed per stage, from the user's last sound to our first."""

    stages_ms: Mapping[str, float] = field(
        default_factory=lambda: {
            "endpointing": 250.0,
            "transcription": 100.0,
            "understanding": 250.0,
            "speech": 150.0,
            "playout": 50.0,
        }
    )

    def __post_init__(self) -> None:
        unknown = set(self.stages_ms) - set(STAGES.values())
        if unknown:
            raise ValueError(f"unknown stages in the budget: {', '.join(sorted(unknown))}")
        if any(ms < 0 for ms in self.stages_ms.values()):
            raise ValueError("a stage cannot have less than no time")

    @property
    def total_ms(self) -> float:
        return sum(self.stages_ms.values())

    def overruns(self, marks: Mapping[Mark, float]) -> dict[str, float]:
        """Milliseconds over its share for every stage that overran, and over the ``total``."""
        spent = spans(marks)
        over = {
            stage: ms - self.stages_ms[stage]
            for stage, ms in spent.items()
            if stage in self.stages_ms and ms > self.stages_ms[stage]
        }
        total = sum(spent.values())
        if total > self.total_ms:
            over["total"] = total - self.total_ms
        return over

    def deadline(self, marks: Mapping[Mark, float], stage: str) -> float:
        """When `stage` has to be done: the time it starts, plus its share, plus what the stages
        before it left unspent. What they overran is not taken from it: a late start is no reason
        to answer worse."""
        first = min(marks.values())
        allowed = 0.0
        for name, ms in self.stages_ms.items():
            allowed += ms
            if name == stage:
                return max(first + allowed / 1000, max(marks.values()) + ms / 1000)
        raise ValueError(f"no stage {stage!r} in the budget")
