"""A flow decides what a conversation does next: pure, its state plain JSON.

`step(state, event) -> (state, effects)`. The state of a conversation can be stored at any turn's
end and taken up again after a restart; the language model is a tool of the flow (`Think`), not the
owner of its state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.frames import Connect, Dtmf, Hangup, Recording, Say, Think, Transfer

__all__ = [
    "Effect",
    "Event",
    "Flow",
    "FlowState",
    "Question",
    "Record",
    "Signal",
    "Silent",
    "Started",
    "Think",
    "Understanding",
    "Understood",
]

FlowState = dict[str, Any]
"""Versioned JSON: the key ``v`` names the version of its shape."""


@dataclass(frozen=True, slots=True)
class Understanding:
    """What an utterance means.

    `intent` is None where nothing was understood with confidence; `confidence` is 0 to 1;
    `source` is the rung that understood it (``examples``, ``ollama`` …).
    """

    intent: str | None
    confidence: float
    source: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    negated: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence {self.confidence} is not within 0 and 1")


@dataclass(frozen=True, slots=True)
class Question:
    """What the conversation waits for: the step's name, the intents that answer it, and whether
    speech over our own counts (``never``; ``polite``: words do, backchannels do not; ``always``).

    `phrases` are what is probably said, where that is little: recognisers then listen for it.
    `expects` is the kind of answer (``choice``, ``anything``, ``open``, ``number``, ``digits``,
    ``spelling``, ``name``, ``address``), which says how people pause in it; `digits` is how many
    are asked for, 0 if that is not known; `endpoint_ms` is the silence that ends the answer, 0
    where the kind says it. `pause_s` is the pause that ends what is being keyed in (``Silent(0)``
    follows it), 0 where nothing is.
    """

    step: str
    intents: tuple[str, ...] = ()
    barge_in: str = "polite"
    phrases: tuple[str, ...] = ()
    expects: str = "anything"
    digits: int = 0
    endpoint_ms: int = 0
    pause_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Started:
    """The conversation begins. What is left to chance in it follows from `seed`, the session's id,
    so that it can be repeated."""

    seed: str = ""


@dataclass(frozen=True, slots=True)
class Understood:
    """The user said `text`, which means `understanding`.

    `history` is what was said before, as a language model takes it (role and content, oldest
    first): of our own words those that the user heard, with `engine.history.CUT` where they were
    cut.
    """

    text: str
    understanding: Understanding
    history: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Silent:
    """The user has said nothing for the `count`-th time in a row (from 1); 0 after the question's
    `pause_s`."""

    count: int


@dataclass(frozen=True, slots=True)
class Signal:
    """What happened outside the talk, at `at`: `name` says what (``amd``, ``beep``), `data` (JSON
    values) tells more of it.

    Where a flow only records it, nobody is interrupted.
    """

    name: str
    data: Mapping[str, Any]
    at: float


Event = Started | Understood | Silent | Dtmf | Signal


@dataclass(frozen=True, slots=True)
class Record:
    """Append the event `name` with `data` (JSON values) to the session's log."""

    name: str
    data: Mapping[str, Any] = field(default_factory=dict)


Effect = Say | Think | Record | Hangup | Transfer | Connect | Recording
"""The last three are done by whoever carries the call, and shown to it when the turn has been said
(the end of a recording at once). What becomes of a transfer comes back as a `Signal`:
``transfer.answered``, ``transfer.connected`` or ``transfer.failed``, and after a conference
``transfer.ended``."""


class Flow(Protocol):
    """The script of a conversation."""

    def start(self) -> FlowState:
        """The state before anything was said."""
        ...

    def step(self, state: FlowState, event: Event) -> tuple[FlowState, tuple[Effect, ...]]:
        """What follows from `event`; `state` is not changed."""
        ...

    def question(self, state: FlowState) -> Question:
        """What `state` waits for."""
        ...
