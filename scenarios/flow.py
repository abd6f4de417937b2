"""Plays a script: pure, the state plain JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.errors import ConfigurationError
from engine.flow import Effect, Event, FlowState, Question, Record, Silent, Started, Understood
from engine.frames import Dtmf, Hangup, Say
from scenarios.model import Answer, Point, Script, Step

__all__ = ["VERSION", "ScriptFlow"]

VERSION = 1
"""Of the state's shape: step, retries (answers not understood at this step), slots, answers
(the intent that answered each step), score and level (null before a score was asked for)."""


class ScriptFlow:
    """An `engine.flow.Flow` out of a script. One serves any number of conversations."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._phrases = {name: script.phrases(step) for name, step in script.steps.items()}

    def start(self) -> FlowState:
        """See `engine.flow.Flow`."""
        return {
            "v": VERSION,
            "step": self.script.start,
            "retries": 0,
            "slots": {},
            "answers": {},
            "score": None,
            "level": None,
        }

    def question(self, state: FlowState) -> Question:
        """See `engine.flow.Flow`."""
        step = self._step(state)
        return Question(
            step.name,
            self.script.intents(step),
            step.barge_in,
            self._phrases[step.name],
            step.expects,
            step.digits,
            step.endpoint_ms,
        )

    def step(self, state: FlowState, event: Event) -> tuple[FlowState, tuple[Effect, ...]]:
        """See `engine.flow.Flow`. Raises ConfigurationError for a state of another script."""
        step = self._step(state)
        state = {**state, "slots": dict(state["slots"]), "answers": dict(state["answers"])}
        if step.hangup and not isinstance(event, Started):
            return state, (Hangup(step.hangup),)  # what comes after the end changes nothing
        match event:
            case Started():
                return self._arrive(state, self.script.start)
            case Understood(text=text, understanding=understanding):
                self._fill(state, understanding.slots)
                return self._answered(state, step, understanding.intent, text)
            case Silent(count=count):
                if count <= len(step.silence):
                    return state, _asked((step.silence[count - 1],))
                return self._arrive(state, self.script.gone)
            case Dtmf(digit=digit):
                if digit in step.keys:
                    return self._answered(state, step, step.keys[digit], digit)
                return state, _asked(step.say)

    def _step(self, state: FlowState) -> Step:
        step = self.script.steps.get(str(state.get("step")))
        if state.get("v") != VERSION or step is None:
            raise ConfigurationError(
                f"the conversation's state is not one of scenario {self.script.name!r} as it is"
                " now; start the conversation anew"
            )
        return step

    def _fill(self, state: FlowState, slots: Mapping[str, Any]) -> None:
        for slot in self.script.knowledge.slots:
            if slot.name not in slots:
                continue
            value = slots[slot.name]
            if slot.kind == "many":
                value = list(dict.fromkeys([*state["slots"].get(slot.name, ()), *value]))
            state["slots"][slot.name] = value

    def _answered(
        self, state: FlowState, step: Step, intent: str | None, text: str
    ) -> tuple[FlowState, tuple[Effect, ...]]:
        answer = None
        if intent is not None:
            answer = step.answers.get(intent) or self.script.always.get(intent)
        if answer is not None and intent is not None:
            if not answer.go and intent in step.answers:  # asks once more, but not for ever
                if state["retries"] >= step.retries and step.then:
                    return self._arrive(state, step.then)
                state["retries"] += 1
            return self._follow(state, step, intent, answer)
        if step.otherwise:
            if text:
                return self._arrive(state, step.otherwise)
            return state, _asked(step.say[-1:])  # no words are no answer
        if state["retries"] >= step.retries:
            return self._arrive(state, step.then)
        state["retries"] += 1
        return state, _asked((step.again[min(state["retries"], len(step.again)) - 1],))

    def _follow(
        self, state: FlowState, step: Step, intent: str, answer: Answer
    ) -> tuple[FlowState, tuple[Effect, ...]]:
        effects: list[Effect] = []
        state["slots"].update(answer.set)
        if intent in step.answers:
            state["answers"][step.name] = intent
        if answer.record:
            effects.append(Record(answer.record, {"step": step.name}))
        if answer.reply:
            effects.append(Say(answer.reply))
        if answer.go:
            state, more = self._arrive(state, answer.go)
        else:
            more = _asked(step.say if answer.repeat else step.say[-1:])
        return state, (*effects, *more)

    def _arrive(self, state: FlowState, name: str) -> tuple[FlowState, tuple[Effect, ...]]:
        """Go to the step `name`, and on through those that ask nothing."""
        effects: list[Effect] = []
        while True:
            step = self.script.steps[name]
            state.update(step=name, retries=0)
            if step.levels:
                state["score"] = sum(
                    point.points for point in self.script.score.points if _earned(point, state)
                )
                state["level"] = self.script.score.level(state["score"])
            if step.record:
                facts = ("slots", "answers", "score", "level")
                effects.append(Record(step.record, {fact: state[fact] for fact in facts}))
            if step.asks:
                return state, (*effects, *_asked(step.say))
            effects += [Say(line) for line in step.say]
            if step.hangup:
                return state, (*effects, Hangup(step.hangup))
            name = step.next or step.levels[state["level"]]


def _asked(lines: tuple[str, ...]) -> tuple[Effect, ...]:
    """`lines`, the last of which expects an answer."""
    last = len(lines) - 1
    return tuple(Say(line, question=index == last) for index, line in enumerate(lines))


def _earned(point: Point, state: FlowState) -> bool:
    if point.step:
        return bool(state["answers"].get(point.step) == point.answer)
    value = state["slots"].get(point.slot)
    return point.has in value if isinstance(value, list) else value == point.has
