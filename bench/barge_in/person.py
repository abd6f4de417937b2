"""A caller who talks over the engine, at moments that he did not choose. Sans-I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bench.barge_in.callers import ANSWER, CallPlan, Trial
from server.talk.caller import HangUp
from server.talk.far_end import FarEnd, Message
from server.talk.line import RATE_HZ, Line, Utterance, utterance
from server.talk.person import Spoken

__all__ = ["Interrupter", "Tried", "make_person"]

PATIENCE_S = 12.0
ANSWER_S = 0.4
"""How long he thinks when we have finished."""
REPLY_S = 1.5
"""How long he waits for a reply before he speaks again."""
HEARD_MS = 300.0
"""How much of the last reply is heard before he hangs up."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial that was made over turn `turn`: samples of the caller's track, audible from `first`
    to `last`."""

    trial: Trial
    turn: int
    first: int
    last: int


class Interrupter:
    """Makes `trials` one after the other, at most one a turn; answers when a turn is over."""

    def __init__(
        self, trials: Sequence[Trial], line: Line, utterances: Mapping[str, Utterance]
    ) -> None:
        self._left = list(trials)
        self._line = line
        self._utterances = utterances
        self._turn = 0
        self._listening = False
        self._tried_over = 0
        self._silent_from_s = 0.0
        self._spoken: list[Spoken] = []
        self.tried: list[Tried] = []

    def hear(self, message: Message) -> None:
        match message:
            case {"type": "reply", "turn": int(turn)}:
                self._turn = turn
            case {"type": "state", "state": str(state)}:
                self._listening = state == "listening"
            case _:
                pass

    def frame(self, far: FarEnd, now: float) -> bytes | HangUp:
        if not self._line.speaking:
            action = self._decide(far, now)
            if action is not None:
                return action
        return self._line.frame()

    def spoken(self) -> list[Spoken]:
        return self._spoken

    def _decide(self, far: FarEnd, now: float) -> HangUp | None:
        fresh = self._turn > self._tried_over
        heard_ms = far.played_ms(self._turn)
        if far.playing:
            if not self._left:
                return HangUp("all was tried") if fresh and heard_ms >= HEARD_MS else None
            if fresh and not far.paused and heard_ms >= self._left[0].after_ms:
                trial = self._left.pop(0)
                said = self._say(trial.text, trial.kind, now, offset=trial.offset)
                self.tried.append(Tried(trial, self._turn, said.first, said.last))
                self._tried_over = self._turn
            return None
        heard_until_s = far.seconds(far.runs[-1].end) if far.runs else far.start
        if now > max(heard_until_s, self._silent_from_s) + PATIENCE_S:
            return HangUp("the engine did not answer", answered=False)
        due_s = max(heard_until_s + ANSWER_S, self._silent_from_s + REPLY_S)
        if self._listening and far.runs and now >= due_s:
            if not self._left:
                return HangUp("all was tried")
            self._say(ANSWER, "answer", now)
        return None

    def _say(self, text: str, kind: str, now: float, *, offset: int = 0) -> Spoken:
        said = self._utterances[text]
        if offset:
            samples = np.concatenate([np.zeros(offset, np.int16), said.samples])
            said = replace(
                said, samples=samples, first=said.first + offset, last=said.last + offset
            )
        start = self._line.say(said)
        spoken = Spoken(text, kind, start + said.first, start + said.last)
        self._spoken.append(spoken)
        self._silent_from_s = now + said.last / RATE_HZ
        return spoken


def make_person(plan: CallPlan) -> Interrupter:
    """The caller of `plan`, in the telephone band, with noise 20 dB below his voice."""
    from pipelines.speech.espeak import synthesise

    voice = plan.voice
    utterances = {
        text: utterance(text, synthesise(text, voice.name, voice.rate_wpm, voice.pitch))
        for text in plan.texts()
    }
    return Interrupter(plan.trials, Line(plan.seed), utterances)
