"""The caller's end of one call: a simulated person on the line of the plan, for a few turns."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from bench.response.callers import CallPlan
from server.talk.caller import Caller, HangUp
from server.talk.far_end import FarEnd, Message
from server.talk.line import RATE_HZ, Line, Utterance, utterance
from server.talk.person import Person, Simulated, Spoken
from server.talk.plan import Plan
from telephony.g711 import mulaw

__all__ = ["Narrow", "Until", "make_person"]

HEARD_S = 0.4
"""How much of the last reply is heard before the caller hangs up: its first sound counts."""


class Narrow:
    """`person`, whose telephone band ends below 4 kHz, at 8 kHz and through µ-law."""

    def __init__(self, person: Person) -> None:
        self._person = person

    def hear(self, message: Message) -> None:
        self._person.hear(message)

    def frame(self, far: FarEnd, now: float) -> bytes | HangUp:
        frame = self._person.frame(far, now)
        if isinstance(frame, HangUp):
            return frame
        return mulaw(np.frombuffer(frame, "<i2")[::2]).tobytes()

    def spoken(self) -> list[Spoken]:
        return [
            Spoken(one.text, one.kind, one.first // 2, one.last // 2)
            for one in self._person.spoken()
        ]


class Until:
    """`person`, who hangs up once `turns` answers of his have been replied to."""

    def __init__(self, person: Person, turns: int) -> None:
        self._person = person
        self._turns = turns

    def hear(self, message: Message) -> None:
        self._person.hear(message)

    def frame(self, far: FarEnd, now: float) -> bytes | HangUp:
        spoken = self._person.spoken()
        if len(spoken) >= self._turns and far.runs:
            reply = far.runs[-1]
            heard_s = (reply.end - reply.start) / far.rate_hz
            if reply.start > spoken[-1].last and heard_s >= HEARD_S:
                return HangUp("all was answered")
        return self._person.frame(far, now)

    def spoken(self) -> list[Spoken]:
        return self._person.spoken()


def make_person(
    plan: CallPlan, steps: Mapping[str, str], ends: frozenset[str], *, seed: int
) -> Person:
    """The caller of `plan`; `steps` and `ends` are the scenario's (`server.talk.plan.steps_of`)."""
    condition = plan.condition
    script = Plan(
        (plan.voice.name,),
        {step: tuple(text for text, _ in said) for step, said in plan.script.items()},
    )
    caller = Caller(script, steps, ends, seed=seed + plan.number)
    line = Line(seed + plan.number, condition.snr_db, telephone=condition.telephone)
    person: Person = Simulated(caller, line, utterances(plan))
    if condition.rate_hz != RATE_HZ:
        person = Narrow(person)
    return Until(person, plan.turns)


def utterances(plan: CallPlan) -> dict[str, Utterance]:
    """Everything that the caller of `plan` may say, in his voice."""
    from pipelines.speech.espeak import synthesise

    voice = plan.voice
    return {
        text: utterance(
            text,
            synthesise(text, voice.name, voice.rate_wpm, voice.pitch),
            telephone=plan.condition.telephone,
        )
        for text in plan.intents()
    }
