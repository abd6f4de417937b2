"""The caller of a script: a `server.talk.person.Person` who hears what the far end plays, speaks
sound and presses keys. Sans-I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from server.sim.line import Mixer
from server.sim.script import Reply, Script
from server.sim.sounds import Room, Sound, sound
from server.talk.caller import HangUp
from server.talk.far_end import FarEnd, Message
from server.talk.person import Spoken

__all__ = ["Answered", "Said", "SimCaller"]

PATIENCE_S = 40.0
"""Silence after which the caller gives up: longer than whatever the engine may be silent for, which
the invariants watch."""

SETTLE_S = 0.15
"""A turn is over once the far end has been silent for this long."""

KINDS = {"open": "open", "digits": "digits", "name": "name"}
"""By step: the kind of its question; it is a choice elsewhere."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something the caller said: by `kind` (`server.sim.script.Kind`), over the sound of `turn`
    (0 where we were silent); `more` where he has not finished with it."""

    text: str
    kind: str
    turn: int
    first: int
    last: int
    more: bool = False


@dataclass(slots=True)
class Answered:
    """An answer on its way: what is left of it, and when the next part begins."""

    reply: Reply
    parts: list[str]
    pauses_s: list[float]
    next_s: float


class SimCaller:
    """`steps` names the step of each line that asks (`server.talk.plan.steps_of`)."""

    def __init__(self, script: Script, steps: Mapping[str, str]) -> None:
        self._script = script
        self._steps = steps
        self._far: FarEnd | None = None
        echo = self._heard_back if script.echo else None
        self.line = Mixer(Room(script.condition, script.seed), echo)
        self._gain = 10 ** (script.echo[1] / 20) if script.echo else 0.0
        self._delay = round(script.echo[0] * script.rate_hz) if script.echo else 0
        self.said: list[Said] = []
        self.keys: list[str] = []
        """Pressed, and not taken yet."""
        self._kind = "choice"
        self._turn = 0
        self._turns = 0
        self._over_done = 0
        self._answered = 0
        self._listening = False
        self._speaks_until_s = 0.0
        self._answer: Answered | None = None
        self._strays = list(script.strays)

    def hear(self, message: Message) -> None:
        match message:
            case {"type": "reply", "turn": int(turn), "text": str(text)}:
                if turn != self._turn:
                    self._turn, self._turns = turn, self._turns + 1
                step = self._steps.get(text)
                if step is not None:
                    self._kind = KINDS.get(step, "choice")
            case {"type": "state", "state": str(state)}:
                self._listening = state == "listening"
            case _:
                pass

    def frame(self, far: FarEnd, now: float) -> bytes | HangUp:
        self._far = far
        at_s = now - far.start
        if at_s >= self._script.hangs_up_s:
            return HangUp("hung up")
        while self._strays and self._strays[0].at_s <= at_s:
            stray = self._strays.pop(0)
            made = sound(stray.text, stray.voice, self._script.condition, round(stray.level_db))
            self.line.put(made, level_db=stray.level_db)
            self._note(made, stray.kind, self.line.at)
        if now >= self._speaks_until_s:
            action = self._decide(far, now)
            if action is not None:
                return action
        return self.line.frame()

    def spoken(self) -> list[Spoken]:
        """What he said to us, for `server.talk.measures`."""
        return [
            Spoken(one.text, one.kind, one.first, one.last)
            for one in self.said
            if one.kind in {"answer", "interruption", "backchannel", "correction"}
        ]

    # What he does

    def _decide(self, far: FarEnd, now: float) -> HangUp | None:
        answer = self._answer
        if answer is not None:
            if now >= answer.next_s:
                self._go_on(answer, now)
            return None
        if far.playing:
            self._talk_over(far, now)
            return None
        heard_until_s = far.seconds(far.runs[-1].end) if far.runs else far.start
        quiet_s = now - max(heard_until_s, self._speaks_until_s)
        if quiet_s > PATIENCE_S:
            return HangUp("the engine did not answer", answered=False)
        heard = bool(far.runs) and far.runs[-1].turn == self._turn > self._answered
        if not heard or not self._listening or quiet_s < SETTLE_S:
            return None
        reply = self._script.replies[self._turns % len(self._script.replies)]
        if quiet_s >= reply.think_s:
            self._answered = self._turn
            self._reply(reply, now)
        return None

    def _reply(self, reply: Reply, now: float) -> None:
        match reply.what:
            case "key" if self._kind == "choice":
                self.keys.append("1" if self._turns % 2 else "2")
            case "nothing":
                pass
            case _:
                parts = list(reply.parts[self._kind])
                self._answer = Answered(reply, parts, list(reply.pauses_s), now)
                self._go_on(self._answer, now)

    def _go_on(self, answer: Answered, now: float) -> None:
        text = answer.parts.pop(0)
        self._say(text, "answer", now, more=bool(answer.parts))
        if answer.parts:
            answer.next_s = self._speaks_until_s + answer.pauses_s.pop(0)
        else:
            self._answer = None

    def _talk_over(self, far: FarEnd, now: float) -> None:
        over = self._script.over[self._turns % len(self._script.over)]
        if over is None or self._turn <= self._over_done or far.paused:
            return
        if far.played_ms(self._turn) < over.after_s * 1000:
            return
        self._over_done = self._turn
        self._say(over.text, over.kind, now, offset=over.offset)
        if over.kind in {"interruption", "correction"}:
            self._answered = self._turn  # it is its own answer

    def _say(
        self, text: str, kind: str, now: float, *, offset: int = 0, more: bool = False
    ) -> None:
        voice = "" if kind == "cough" else self._script.voice
        level_db = -9.0 if kind == "aside" else 0.0  # turned away
        made = sound(text, voice, self._script.condition, level_db)
        audible = self.line.put(made, offset=offset, level_db=level_db)
        self._note(made, kind, audible.start, more=more)
        self._speaks_until_s = now + (offset + made.last) / self._script.rate_hz

    def _note(self, made: Sound, kind: str, start: int, *, more: bool = False) -> None:
        far = self._far
        turn = 0
        if far is not None and far.runs:
            last = far.runs[-1]
            turn = last.turn if far.playing or last.end >= start else 0
        self.said.append(Said(made.text, kind, turn, start + made.first, start + made.last, more))

    def _heard_back(self, at: int) -> bytes:
        """What the far end played `_delay` samples before the track's sample `at`, fainter."""
        far = self._far
        since = at - self._delay
        if far is None or since < 0 or not far.runs:
            return b""
        size = self.line.frame_samples
        until = far.runs[-1].end
        if since >= until:
            return b""
        played = np.frombuffer(far.piece(since, since + size), "<i2")
        if played.size < size:  # it has not come yet
            played = np.concatenate([played, np.zeros(size - played.size, np.int16)])
        return (played * self._gain).astype("<i2").tobytes()
