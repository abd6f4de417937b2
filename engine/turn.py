"""A turn: what the user said and what we answered, with its marks; and the states around it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.budget import MARKS, LatencyBudget, Mark, Marks, spans
from engine.ladder import StepDown

__all__ = ["TRANSITIONS", "State", "StateMachine", "Turn"]


class State(StrEnum):
    """Where a conversation stands."""

    LISTENING = "listening"
    PROCESSING = "processing"
    RESPONDING = "responding"
    PAUSED = "paused"
    CLOSED = "closed"


TRANSITIONS: dict[tuple[State, str], State] = {
    (State.LISTENING, "begin"): State.PROCESSING,
    (State.PROCESSING, "begin"): State.PROCESSING,  # the user went on before we answered
    (State.RESPONDING, "begin"): State.PROCESSING,  # a new message cancels the reply
    (State.PAUSED, "begin"): State.PROCESSING,
    (State.PROCESSING, "reply"): State.RESPONDING,
    (State.PROCESSING, "end"): State.LISTENING,  # nothing was to be said
    (State.RESPONDING, "end"): State.LISTENING,
    (State.PAUSED, "end"): State.LISTENING,  # paused during the very last sound
    (State.RESPONDING, "pause"): State.PAUSED,
    (State.PAUSED, "resume"): State.RESPONDING,
    (State.PROCESSING, "interrupt"): State.LISTENING,
    (State.RESPONDING, "interrupt"): State.LISTENING,
    (State.PAUSED, "interrupt"): State.LISTENING,
    (State.LISTENING, "close"): State.CLOSED,
    (State.PROCESSING, "close"): State.CLOSED,
    (State.RESPONDING, "close"): State.CLOSED,
    (State.PAUSED, "close"): State.CLOSED,
}
"""Every step a conversation can take. What is not here cannot happen."""


class StateMachine:
    """Walks `TRANSITIONS` and tells `watch` each new state."""

    def __init__(self, watch: Callable[[State], None]) -> None:
        self.state = State.LISTENING
        self._watch = watch

    def can(self, event: str) -> bool:
        return (self.state, event) in TRANSITIONS

    def step(self, event: str) -> None:
        """Raises KeyError for a step that is not in the table: a fault of ours."""
        new = TRANSITIONS[self.state, event]
        if new is not self.state:
            self.state = new
            self._watch(new)


@dataclass(slots=True)
class Turn:
    """One exchange. `epoch` counts the turns of a session from 1 and guards its sound: nothing of
    an epoch that was cancelled is ever sent."""

    epoch: int
    heard: str = ""
    intent: str | None = None
    confidence: float | None = None
    lines: list[str] = field(default_factory=list)
    """What was generated, line by line."""
    said: str = ""
    """What the far end acknowledged; grows only then."""
    interrupted: bool = False
    marks: Marks = field(default_factory=dict)
    steps_down: list[StepDown] = field(default_factory=list)
    on_mark: Callable[[Mark], None] | None = None
    """Called when a mark is set."""
    bridging: bool = False
    """What is said is a filler; the far end has heard nothing of the answer yet."""

    def mark(self, mark: Mark, at: float) -> None:
        """Note when `mark` happened; only the first time counts."""
        if mark in self.marks:
            return
        self.marks[mark] = at
        if self.on_mark is not None:
            self.on_mark(mark)

    def begin_answer(self) -> None:
        """The far end hears the answer, after a filler."""
        if self.bridging:
            self.bridging = False
            if self.on_mark is not None:
                self.on_mark(Mark.FIRST_PLAYED)

    def say(self, text: str) -> None:
        """The far end has played `text`."""
        self.said = f"{self.said} {text}".strip()

    def ledger(self, budget: LatencyBudget) -> dict[str, Any]:
        """The turn's account as JSON values.

        Times are milliseconds after the first mark (the caller's last sound); ``spans`` add up to
        ``gap_ms``; ``over`` is by how much a stage overran its share.
        """
        zero = next((self.marks[mark] for mark in MARKS if mark in self.marks), 0.0)
        spent = spans(self.marks)
        return {
            "turn": self.epoch,
            "heard": self.heard,
            "intent": self.intent,
            "confidence": None if self.confidence is None else round(self.confidence, 3),
            "said": self.said,
            "interrupted": self.interrupted,
            "marks": {
                str(mark): round((self.marks[mark] - zero) * 1000, 3)
                for mark in MARKS
                if mark in self.marks
            },
            "spans": {stage: round(ms, 3) for stage, ms in spent.items()},
            "gap_ms": round(sum(spent.values()), 3),
            "over": {stage: round(ms, 3) for stage, ms in budget.overruns(self.marks).items()},
            "steps_down": [{"left": step.left, "why": step.why} for step in self.steps_down],
        }
