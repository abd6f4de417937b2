"""A caller who knows what they mean: hesitates, nods, coughs, interrupts. Sans-I/O.

They go by what they hear, whoever the engine is: it says which line it is about to speak (`reply`),
and, unless it tells when it listens (`state`), how long that is (`ms`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from bench.turn_taking.callers import AGAIN, CallPlan, Over, Reply
from bench.turn_taking.voice import parts
from server.sim.line import Mixer
from server.sim.sounds import Room, Sound
from server.talk.caller import HangUp
from server.talk.far_end import FarEnd, Message
from server.talk.person import Spoken
from server.talk.turn_taking import RESPONSE_MS, Said
from telephony.g711 import mulaw

__all__ = ["Talker"]

PATIENCE_S = 6.0
"""How long they wait for an answer before they say something again: pipecat's turn analyser and
then its aggregator give up after 3 and 5 s of silence."""
CUT_S = 5.0
"""How long for an engine that broke off by itself to go on: longer than those 3 s, or they would
speak at once."""
SETTLE_S = 0.15
"""A line is over once the far end has been silent for this long."""
AFTER_COUGH_S = RESPONSE_MS / 1000 + 0.3
HEARD_MS = 300.0
"""How much of the last answer is heard before they hang up."""
LATEST_S = 15.0
"""How long after `seconds` they hang up even so."""


class Talker:
    """The caller of `plan`. `kinds` says, by the first words of a line, what it asks
    (``choice``, ``open``, ``digits``); `passages` are those that are spoken over."""

    def __init__(self, plan: CallPlan, kinds: Mapping[str, str], passages: frozenset[str]) -> None:
        condition = plan.condition
        self._plan = plan
        self._kinds = kinds
        self._passages = passages
        self._far: FarEnd | None = None
        self._echo = condition.echo
        self._line = Mixer(
            Room(condition.line, plan.seed), self._heard_back if condition.echo else None
        )
        self._replies = iter(plan.replies)
        self._overs = iter(plan.overs)
        self._reply: Reply | None = None
        self._saying: list[tuple[float, Sound, bool]] = []
        """What is left of an answer: not before when, what, and whether more follows."""
        self._speaks_until_s = 0.0
        self._turn = 0
        self._asks = "choice"
        self._ms: float | None = None
        self._listening = False
        self._over: list[Over] = []
        self._answered = 0
        """The last turn of theirs that was answered, or interrupted."""
        self._coughed = False
        self.said: list[Said] = []

    def hear(self, message: Message) -> None:
        match message:
            case {"type": "reply", "turn": int(turn), "text": str(text)} if turn > self._turn:
                self._turn, self._asks = turn, self._kinds.get(text, self._asks)
                self._ms = message.get("ms")
                self._listening = False
                self._over = list(next(self._overs)) if text in self._passages else []
            case {"type": "state", "state": str(state)}:
                self._listening = state == "listening"
            case _:
                pass

    def frame(self, far: FarEnd, now: float) -> bytes | HangUp:
        self._far = far
        if now - far.start >= self._plan.seconds + LATEST_S:
            return HangUp("it is late")
        if now >= self._speaks_until_s:
            action = None
            if self._saying:
                self._go_on(now)
            else:
                action = self._decide(far, now)
            if action is not None:
                return action
        frame = self._line.frame()
        return mulaw(np.frombuffer(frame, "<i2")).tobytes() if self._plan.condition.mulaw else frame

    def spoken(self) -> list[Spoken]:
        return []

    # What they do

    def _decide(self, far: FarEnd, now: float) -> HangUp | None:
        if far.playing and not far.paused:
            return self._talk_over(far, now)
        late = now - far.start >= self._plan.seconds
        heard_until_s = far.seconds(far.runs[-1].end) if far.runs else far.start
        quiet_s = now - max(heard_until_s, self._speaks_until_s)
        heard = bool(far.runs) and far.runs[-1].turn == self._turn
        if far.paused or not heard or self._turn <= self._answered:
            if quiet_s >= PATIENCE_S:
                self._answer(AGAIN, (), now)
            return None
        if self._finished(far):
            if quiet_s >= SETTLE_S:
                if late:
                    return HangUp("enough was said")
                self._think(quiet_s, now)
        elif quiet_s >= CUT_S:
            self._think(quiet_s, now)
        return None

    def _finished(self, far: FarEnd) -> bool:
        return self._listening if self._ms is None else far.played_ms(self._turn) >= self._ms - 1

    def _talk_over(self, far: FarEnd, now: float) -> HangUp | None:
        played_ms = far.played_ms(self._turn)
        done = now - far.start >= self._plan.seconds and self._turn > self._answered
        if done and played_ms >= HEARD_MS:
            return HangUp("enough was said")
        if not self._over or self._turn <= self._answered or played_ms < self._over[0].after_ms:
            return None
        over = self._over.pop(0)
        (made,) = parts(over.text, self._plan.voice, self._plan.condition.line)
        self._say(made, over.kind, now, offset=over.offset * self._plan.condition.rate_hz // 8000)
        if over.kind == "interruption":
            self._answered = self._turn  # it is its own answer
        return None

    def _think(self, quiet_s: float, now: float) -> None:
        if self._reply is None:
            self._reply = next(self._replies)
            self._coughed = not self._reply.cough
        reply = self._reply
        if not self._coughed and quiet_s >= 2 * SETTLE_S:
            self._coughed = True
            (made,) = parts(reply.cough, "", self._plan.condition.line)
            self._say(made, "cough", now)
        elif quiet_s >= (AFTER_COUGH_S if reply.cough else reply.think_s):
            self._reply = None
            self._answer(reply.texts[self._asks], reply.pauses_s, now)

    def _answer(self, text: str, pauses_s: Sequence[float], now: float) -> None:
        self._answered = self._turn
        made = parts(text, self._plan.voice, self._plan.condition.line)
        self._saying = [
            (pause_s, part, index + 1 < len(made))
            for index, (part, pause_s) in enumerate(zip(made, (0.0, *pauses_s), strict=False))
        ]
        self._go_on(now)

    def _go_on(self, now: float) -> None:
        pause_s, made, more = self._saying[0]
        if now >= self._speaks_until_s + pause_s:
            self._saying.pop(0)
            self._say(made, "answer", now, more=more)

    def _say(
        self, made: Sound, kind: str, now: float, *, offset: int = 0, more: bool = False
    ) -> None:
        rate_hz = self._plan.condition.rate_hz
        audible = self._line.put(made, offset=offset)
        first, last = audible.start + made.first, audible.start + made.last
        self.said.append(Said(kind, first * 1000 / rate_hz, last * 1000 / rate_hz, more))
        self._speaks_until_s = now + (offset + made.last) / rate_hz

    def _heard_back(self, at: int) -> bytes:
        """What the far end played a while before the track's sample `at`, fainter."""
        far, echo = self._far, self._echo
        assert echo is not None
        size = self._line.frame_samples
        since = at - round(echo[0] * self._plan.condition.rate_hz)
        if far is None or since < 0:
            return b""
        played = np.frombuffer(far.piece(since, since + size), "<i2")
        if not played.any():
            return b""
        played = np.pad(played, (0, size - played.size))
        return np.rint(played * 10 ** (echo[1] / 20)).astype("<i2").tobytes()
