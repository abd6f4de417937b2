"""A step that hands a person over to another: how it is written, and how it is played."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any

from engine.errors import ScenarioError
from engine.flow import Effect, FlowState, Question, Record, Signal
from engine.frames import TRANSFERS, Connect, Hangup, Say, Transfer
from scenarios.document import Value
from scenarios.model import Script, Step
from scenarios.wording import StepLines

__all__ = ["check_summary", "handed_over", "summary", "transfer_of", "transferred", "waiting"]

LONGEST_S = 120
"""Longer does nobody hear music."""

QUESTION_S = 60.0
"""While a transfer is under way nothing is asked, and nobody is silent."""


def transfer_of(name: str, node: Value, found: Mapping[str, Value], lines: StepLines) -> Transfer:
    """The transfer of the step `name`. Raises ScenarioError."""
    parts = found["transfer"].fields(("to",), ("mode", "timeout_s", "listen"))
    mode = parts["mode"].one_of(TRANSFERS) if "mode" in parts else "attended"
    if "then" not in found:
        raise node.error(f"step {name!r} lacks 'then'", "the step where nobody takes the call")
    if ("next" in found) != (mode == "conference"):
        raise node.error(
            f"step {name!r} with mode {mode} and {'next' if 'next' in found else 'no next'}",
            "'next' for a conference, where we stay, and for nothing else",
        )
    if mode == "conference" and "listen" in parts:
        raise parts["listen"].error("a conference that we only listen to", "mode: attended")
    if mode == "blind" and (lines.summary or "listen" in parts or "timeout_s" in parts):
        raise node.error(
            f"step {name!r} is a blind transfer, which nobody waits for",
            "no summary, timeout_s or listen",
        )
    return Transfer(
        to=parts["to"].text("an extension or a number, in quotes"),
        mode=mode,
        timeout_s=parts["timeout_s"].number(1, LONGEST_S) if "timeout_s" in parts else 20,
        listen="listen" in parts and parts["listen"].flag(),
    )


def handed_over(script: Script, state: FlowState, step: Step) -> tuple[Effect, ...]:
    """What happens on arrival: the lines, then the transfer, which is recorded with all that is
    known."""
    assert step.transfer is not None
    facts = {fact: state[fact] for fact in ("slots", "answers", "score", "level")}
    told = {"mode": step.transfer.mode, "to": step.transfer.to}
    record = Record(
        "transfer", {**told, "summary": " ".join(summary(script, state, step)), **facts}
    )
    return (record, *(Say(line) for line in step.say), step.transfer)


def transferred(
    script: Script, state: FlowState, step: Step, signal: Signal
) -> tuple[str, tuple[Effect, ...]]:
    """The step that follows (empty: none) and what happens, as `signal` tells what became of the
    transfer."""
    record = Record(signal.name, signal.data)
    match signal.name:
        case "transfer.answered":
            lines = (Say(line) for line in summary(script, state, step))
            return "", (record, *lines, Connect())
        case "transfer.connected":
            return step.next, (record,) if step.next else (record, Hangup("transferred"))
        case "transfer.failed":
            return step.then, (record,)
        case _:
            return "", (record,)


def waiting(step: Step) -> Question:
    """What is waited for meanwhile: nothing that anybody says."""
    return Question(step.name, barge_in="never", pause_s=QUESTION_S)


def summary(script: Script, state: FlowState, step: Step) -> tuple[str, ...]:
    """The sentences of the summary whose facts are known."""
    facts = {
        slot.name: _said(slot.phrases, state["slots"][slot.name])
        for slot in script.knowledge.slots
        if slot.name in state["slots"]
    }
    return tuple(
        line.format_map(facts) for line in step.summary if summary_slots(line) <= set(facts)
    )


def summary_slots(line: str) -> set[str]:
    """The slots that `line` names. Raises ValueError for braces that name none."""
    named = {name for _, name, _, _ in Formatter().parse(line) if name is not None}
    if any(not name.isidentifier() for name in named):
        raise ValueError("a slot's name stands in braces")
    return named


def check_summary(step: Step, slots: Mapping[str, Any], node: Value) -> ScenarioError | None:
    """What is wrong with the summary of `step`."""
    if step.summary and step.transfer is None:
        return node.error(f"step {step.name!r} has a summary and no transfer", "no summary")
    for line in step.summary:
        try:
            unknown = summary_slots(line) - set(slots)
        except ValueError:
            return node.error(f"a summary with stray braces: {line!r}", "{slot}")
        if unknown:
            return node.error(
                f"a summary with unknown {unknown.pop()!r}",
                "one of " + ", ".join(slots) if slots else "no slots, as there are none",
            )
    return None


def _said(phrases: Mapping[str, tuple[str, ...]], value: Any) -> str:
    """A slot's value as it is said: the first phrase of each."""
    values = value if isinstance(value, list) else [value]
    return ", ".join(phrases[item][0] if item in phrases else str(item) for item in values)
