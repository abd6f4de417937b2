"""What an utterance may mean: intents with examples, and slots with the phrases that fill them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Intent", "Knowledge", "Slot", "SlotKind"]

SlotKind = Literal["one", "many", "number"]
"""``one`` value, ``many`` values, or a ``number`` in digits or words."""


@dataclass(frozen=True, slots=True)
class Intent:
    """`means` is one line for a language model, `examples` are what people say."""

    name: str
    means: str
    examples: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A fact to pick out of an utterance; `phrases` by value, none for a ``number``."""

    name: str
    kind: SlotKind
    phrases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """All that a scenario's utterances can mean in `language` (ISO 639-1).

    `questions` are the sets of intents that are told apart, one per question of the scenario.
    """

    language: str
    intents: Mapping[str, Intent]
    slots: tuple[Slot, ...] = ()
    questions: tuple[tuple[str, ...], ...] = ()
