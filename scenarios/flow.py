"""Plays a script: pure, the state plain JSON.

What was not understood or not answered is asked again in other words, never the same line twice in
a row; keys answer wherever a choice or a number is asked. Where there are several ways to say the
same, the session's seed decides, so that a conversation can be repeated.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from engine.errors import ConfigurationError
from engine.flow import (
    Effect,
    Event,
    FlowState,
    Question,
    Record,
    Signal,
    Silent,
    Started,
    Understood,
)
from engine.frames import Dtmf, Hangup, Recording, Say
from pipelines.mind.language import LANGUAGES, numbers, tokens
from scenarios.model import Answer, Point, Script, Step
from scenarios.signals import BEEP_PATIENCE_S, recorded, signalled
from scenarios.transfers import handed_over, transferred, waiting

__all__ = ["VERSION", "ScriptFlow"]

VERSION = 3
"""Of the state's shape: step, retries (answers not understood at this step), slots, answers
(the intent that answered each step), score and level (null before a score was asked for), seed,
uses (of each list of phrases), asked (the last question, as it was said), menu (whether its keys
were said with it), digits (keyed so far) and recorder (``waiting`` for a voicemail's beep, or
``leaving`` it a message)."""

KEYING_PAUSE_S = 3.0
"""Who has pressed all digits of a number waits; who looks the next one up takes up to this long.
The inter-digit timeout of VoiceXML 2.0 is the platform's, commonly 3 to 5 s."""
MOST_DIGITS = 18
"""Where the question does not say how many: no number that is keyed is longer."""
MENU_AFTER = 2
"""Failures in a row after which a question says its keys: speech does not get through."""


class ScriptFlow:
    """An `engine.flow.Flow` out of a script. One serves any number of conversations."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self._phrases = {
            (name, menu): script.phrases(step, menu=menu)
            for name, step in script.steps.items()
            for menu in (False, True)
        }

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
            "seed": 0,
            "uses": {},
            "asked": "",
            "menu": False,
            "digits": "",
            "recorder": "",
        }

    def question(self, state: FlowState) -> Question:
        """See `engine.flow.Flow`."""
        if state["recorder"]:
            return Question("voicemail", barge_in="never", pause_s=BEEP_PATIENCE_S)
        step = self._step(state)
        if step.transfer is not None:
            return waiting(step)
        return Question(
            step.name,
            self.script.intents(step),
            step.barge_in,
            self._phrases[step.name, state["menu"]],
            step.expects,
            step.digits,
            step.endpoint_ms,
            KEYING_PAUSE_S if state["digits"] else 0.0,
        )

    def step(self, state: FlowState, event: Event) -> tuple[FlowState, tuple[Effect, ...]]:
        """See `engine.flow.Flow`. Raises ConfigurationError for a state of another script."""
        step = self._step(state)
        state = {
            **state,
            **{name: dict(state[name]) for name in ("slots", "answers", "uses")},
        }
        if step.transfer is not None and not isinstance(event, Started):
            return self._transferring(state, step, event)
        if isinstance(event, Signal):
            return self._signalled(state, step, event)
        if state["recorder"] and not isinstance(event, Started):
            return state, recorded(self.script, state, event)
        if step.hangup and not isinstance(event, Started):
            return state, (Hangup(step.hangup),)  # what comes after the end changes nothing
        match event:
            case Started(seed=seed):
                state["seed"] = zlib.crc32(seed.encode())
                return self._arrive(state, self.script.start)
            case Understood(text=text, understanding=understanding):
                state["digits"] = ""
                self._fill(state, understanding.slots)
                said = "" if understanding.intent else text
                if key := _typed(step, text) or (state["menu"] and self._number(step, said)):
                    return self._pressed(state, step, key)
                return self._answered(state, step, understanding.intent, text)
            case Silent(count=0):
                return self._keyed(state, step)
            case Silent(count=count):
                return self._silent(state, step, count)
            case Dtmf(digit=digit):
                return self._pressed(state, step, digit)

    def _transferring(
        self, state: FlowState, step: Step, event: Event
    ) -> tuple[FlowState, tuple[Effect, ...]]:
        """What anybody says meanwhile is for somebody else."""
        if not isinstance(event, Signal):
            return state, ()
        name, effects = transferred(self.script, state, step, event)
        if not name:
            return state, effects
        state, more = self._arrive(state, name)
        return state, (*effects, *more)

    def _signalled(
        self, state: FlowState, step: Step, signal: Signal
    ) -> tuple[FlowState, tuple[Effect, ...]]:
        recorder = state["recorder"]
        effects = signalled(self.script, state, signal)
        if recorder and not state["recorder"] and step.asks:  # we were silent to a person
            state, asked = self._ask(state, step, step.say[-1:], 1)
            return state, (*effects, *asked)
        return state, effects

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
        if step.otherwise and text:
            return self._arrive(state, step.otherwise)
        return self._failed(state, step)  # no words are no answer

    def _failed(
        self, state: FlowState, step: Step, *, key: bool = False
    ) -> tuple[FlowState, tuple[Effect, ...]]:
        """Ask again, in other words, or give up."""
        if not step.otherwise and state["retries"] >= step.retries:
            return self._arrive(state, step.then)
        state["retries"] += 1
        first = self._phrase(state, "not_understood", self.script.not_understood)
        menu = key or state["retries"] >= MENU_AFTER
        wordings = step.again or step.silence
        return self._ask(state, step, wordings, state["retries"], first, menu)

    def _silent(
        self, state: FlowState, step: Step, count: int
    ) -> tuple[FlowState, tuple[Effect, ...]]:
        if count > len(step.silence):
            return self._arrive(state, self.script.gone)
        first = self._phrase(state, "not_heard", self.script.not_heard)
        return self._ask(state, step, step.silence, count, first, count >= MENU_AFTER)

    def _ask(
        self,
        state: FlowState,
        step: Step,
        wordings: Iterable[str],
        attempt: int,
        first: tuple[str, ...] = (),
        menu: bool = False,
    ) -> tuple[FlowState, tuple[Effect, ...]]:
        """The question of `step` in the `attempt`-th of `wordings`, or another where that is what
        was asked last; after `first`, and with its keys if wanted."""
        known = list(dict.fromkeys([*wordings, *step.again, *step.say[-1:]]))
        start = min(attempt, len(known)) - 1
        turned = [*known[start:], *known[:start]]
        line = next((line for line in turned if line != state["asked"]), turned[0])
        state["asked"] = line
        keys = (step.menu,) if menu and step.menu else ()
        state["menu"] = bool(keys)
        return state, _asked((*first, line, *keys))

    @staticmethod
    def _phrase(state: FlowState, name: str, phrases: tuple[str, ...]) -> tuple[str, ...]:
        """The next of `phrases`, by turns from where the seed begins."""
        if not phrases:
            return ()
        used = state["uses"].get(name, 0)
        state["uses"][name] = used + 1
        return (phrases[(state["seed"] + used) % len(phrases)],)

    # Keys

    def _number(self, step: Step, text: str) -> str:
        """The key that `text` says, who was told to press it: "one" for 1."""
        language = LANGUAGES.get(self.script.knowledge.language)
        if language is None:
            return ""
        words = tokens(text, language)
        found = [str(number) for number in numbers(words, language)]
        return found[0] if len(found) == 1 and len(words) <= 2 and found[0] in step.keys else ""

    def _pressed(
        self, state: FlowState, step: Step, keys: str
    ) -> tuple[FlowState, tuple[Effect, ...]]:
        """`keys` were pressed: one that stands for an answer, or digits of a number (``#`` ends
        it, ``*`` begins it anew)."""
        if step.keyed is None:
            if keys in step.keys:
                return self._answered(state, step, step.keys[keys], keys)
            return self._failed(state, step, key=True)
        for key in keys:
            if key == "#":
                return self._keyed(state, step)
            if key == "*":
                state["digits"] = ""
            elif key.isdecimal():
                state["digits"] += key
                if len(state["digits"]) >= (step.digits or MOST_DIGITS):
                    return self._keyed(state, step)
            else:
                return self._failed(state, step, key=True)
        return state, ()

    def _keyed(self, state: FlowState, step: Step) -> tuple[FlowState, tuple[Effect, ...]]:
        """The number is whole."""
        digits, state["digits"] = state["digits"], ""
        if step.keyed is None or not digits or step.digits not in (0, len(digits)):
            return self._failed(state, step, key=True)
        # Codes and numbers of telephones may begin with zeros.
        state["slots"][step.keyed.slot] = digits if step.expects == "digits" else int(digits)
        return self._answered(state, step, step.keyed.means or None, digits)

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
        elif answer.repeat:
            state["asked"] = step.say[-1]
            more = _asked(step.say)
        else:
            state, more = self._ask(state, step, step.again, max(1, state["retries"]))
        return state, (*effects, *more)

    def _arrive(self, state: FlowState, name: str) -> tuple[FlowState, tuple[Effect, ...]]:
        """Go to the step `name`, and on through those that ask nothing."""
        effects: list[Effect] = []
        while True:
            step = self.script.steps[name]
            state.update(step=name, retries=0, digits="", menu=False)
            if step.levels:
                state["score"] = sum(
                    point.points for point in self.script.score.points if _earned(point, state)
                )
                state["level"] = self.script.score.level(state["score"])
            if step.record:
                facts = ("slots", "answers", "score", "level")
                effects.append(Record(step.record, {fact: state[fact] for fact in facts}))
            if step.recording:
                on = step.recording == "start"
                effects += [Record(f"recording.{step.recording}"), Recording(on)]
            if step.asks:
                state["asked"] = step.say[-1]
                return state, (*effects, *_asked(step.say))
            if step.transfer is not None:
                return state, (*effects, *handed_over(self.script, state, step))
            effects += [Say(line) for line in step.say]
            if step.hangup:
                return state, (*effects, Hangup(step.hangup))
            name = step.next or step.levels[state["level"]]


def _asked(lines: tuple[str, ...]) -> tuple[Effect, ...]:
    """`lines`, the last of which expects an answer."""
    last = len(lines) - 1
    return tuple(Say(line, question=index == last) for index, line in enumerate(lines))


def _typed(step: Step, text: str) -> str:
    """The keys that were typed: "1" is one wherever it can be pressed."""
    text = text.strip()
    if step.keyed is not None and text.removesuffix("#").isdecimal():
        return text if text.endswith("#") else f"{text}#"
    return text if text in step.keys else ""


def _earned(point: Point, state: FlowState) -> bool:
    if point.step:
        return bool(state["answers"].get(point.step) == point.answer)
    value = state["slots"].get(point.slot)
    return point.has in value if isinstance(value, list) else value == point.has
