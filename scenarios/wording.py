"""Reads the words of a scenario in one language: lines, examples, phrases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.mind.intents import Intent
from scenarios.defaults import FILLERS, MENUS, OCCASIONS
from scenarios.document import Value, read

__all__ = ["StepLines", "Wording", "read_wording"]

FEWEST_EXAMPLES = 3
"""Fewer say nothing about how people vary."""


@dataclass(frozen=True, slots=True)
class StepLines:
    """What one step says; see `scenarios.model.Step`."""

    say: tuple[str, ...] = ()
    again: tuple[str, ...] = ()
    silence: tuple[str, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    """What the keys of a menu stand for, by intent."""
    summary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wording:
    """All words of a scenario in one language, and where they stand."""

    path: Path
    root: Value
    nodes: Mapping[str, Value]
    """The lines of each step."""
    intent_nodes: Mapping[str, Value]
    steps: Mapping[str, StepLines]
    intents: Mapping[str, Intent]
    replies: Mapping[str, str] = field(default_factory=dict)
    slots: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    backchannels: tuple[str, ...] = ()
    stop_words: tuple[str, ...] = ()
    not_understood: tuple[str, ...] = ()
    not_heard: tuple[str, ...] = ()
    fillers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    voicemail: tuple[str, ...] = ()
    """What is left on a voicemail."""


def read_wording(path: Path, language: str) -> Wording:
    """The words in `path`. Raises ScenarioError."""
    root = read(path)
    lists = ("backchannels", "stop_words", "not_understood", "not_heard")
    parts = ("replies", "intents", "slots", "fillers", "voicemail")
    top = root.fields(("language", "lines"), (*parts, *lists))
    top["language"].one_of([language])
    nodes = top["lines"].items("a mapping of steps and their lines")
    intent_nodes = top["intents"].items("a mapping of intents") if "intents" in top else {}
    replies = top["replies"].items("a mapping of replies") if "replies" in top else {}
    slots = top["slots"].items("a mapping of slots") if "slots" in top else {}
    return Wording(
        path,
        root,
        nodes,
        intent_nodes,
        steps={name: _lines(value, language) for name, value in nodes.items()},
        intents={name: _intent(name, value) for name, value in intent_nodes.items()},
        replies={name: value.text("a line") for name, value in replies.items()},
        slots={
            name: {
                item: phrases.texts("a list of phrases") for item, phrases in value.items().items()
            }
            for name, value in slots.items()
        },
        fillers=_fillers(top.get("fillers"), language),
        voicemail=_said(top["voicemail"]) if "voicemail" in top else (),
        **{name: top[name].texts() for name in lists if name in top},
    )


def _lines(value: Value, language: str) -> StepLines:
    if value.is_text or value.is_list:
        return StepLines(_said(value))
    found = value.fields(("say",), ("again", "silence", "choices", "summary"))
    if "choices" in found and language not in MENUS:
        raise found["choices"].error(
            f"no way to say keys in {language!r}", "one of " + ", ".join(MENUS)
        )
    choices = found["choices"].items("a mapping of intents") if "choices" in found else {}
    return StepLines(
        _said(found["say"]),
        _said(found["again"]) if "again" in found else (),
        _said(found["silence"]) if "silence" in found else (),
        {intent: what.text("what the key stands for") for intent, what in choices.items()},
        _said(found["summary"]) if "summary" in found else (),
    )


def _fillers(value: Value | None, language: str) -> Mapping[str, tuple[str, ...]]:
    """A list is for any occasion; occasions that are not named keep their defaults."""
    defaults = FILLERS.get(language, {})
    if value is None:
        return defaults
    if value.is_list:
        return {"any": value.texts("a list of lines")}
    found = value.fields((), OCCASIONS)
    return {**defaults, **{name: lines.texts("a list of lines") for name, lines in found.items()}}


def _said(value: Value) -> tuple[str, ...]:
    if value.is_text:
        return (value.text("a line"),)
    return tuple(line.text("a line") for line in value.each("a line or a list of lines"))


def _intent(name: str, value: Value) -> Intent:
    found = value.fields(("means", "examples"))
    examples = found["examples"].texts("a list of examples")
    if len(examples) < FEWEST_EXAMPLES:
        raise found["examples"].error(
            f"intent {name!r} has {len(examples)} examples", f"at least {FEWEST_EXAMPLES}"
        )
    return Intent(name, found["means"].text("one line for a language model"), examples)
