"""Who speaks at the caller's end: a simulated caller or a recording. server/talk/microphone.py has
a third."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from server.talk.caller import Caller, HangUp
from server.talk.far_end import FarEnd, Message
from server.talk.line import FRAME, RATE_HZ, Line, Utterance

__all__ = ["Person", "Recording", "Simulated", "Spoken", "last_sound"]


@dataclass(frozen=True, slots=True)
class Spoken:
    """Something that was said: samples of the caller's track, audible from `first` to `last`."""

    text: str
    kind: str
    first: int
    last: int


class Person(Protocol):
    """Someone at the caller's end, who speaks 20 ms at a time."""

    def hear(self, message: Message) -> None:
        """Take a TEXT message of the engine's."""
        ...

    def frame(self, far: FarEnd, now: float) -> bytes | HangUp:
        """The next 20 ms that he sends, or that he is done. `far` has played up to `now`."""
        ...

    def spoken(self) -> list[Spoken]:
        """What is known to have been said; empty where nobody knows."""
        ...


class Simulated:
    """A `Caller` on a `Line`; `on_say(text, kind)` is told when he begins to speak."""

    def __init__(
        self,
        caller: Caller,
        line: Line,
        utterances: Mapping[str, Utterance],
        on_say: Callable[[str, str], None] = lambda text, kind: None,
    ) -> None:
        self._caller = caller
        self._line = line
        self._utterances = utterances
        self._on_say = on_say
        self._spoken: list[Spoken] = []

    def hear(self, message: Message) -> None:
        self._caller.hear(message)

    def frame(self, far: FarEnd, now: float) -> bytes | HangUp:
        action = self._caller.decide(far, now)
        if isinstance(action, HangUp):
            return action
        if action is not None:
            utterance = self._utterances[action.text]
            start = self._line.say(utterance)
            self._spoken.append(
                Spoken(action.text, action.kind, start + utterance.first, start + utterance.last)
            )
            self._caller.spoken(now + (utterance.last + FRAME) / RATE_HZ)
            self._on_say(action.text, action.kind)
        return self._line.frame()

    def spoken(self) -> list[Spoken]:
        return self._spoken


AFTER_S = 2.0
"""Silence of the engine after a recording that ends the call."""
LONGEST_S = 30.0
"""An engine that is still talking then is left alone."""
NO_ANSWER_S = 8.0
"""An engine that has said nothing by then does not answer."""


class Recording:
    """Plays `pcm` (s16le mono, 16 kHz) once the engine's greeting was heard, then listens."""

    def __init__(self, pcm: bytes) -> None:
        self._pcm = pcm
        self._at = 0
        self._began: float | None = None
        self._ended: float | None = None

    def hear(self, message: Message) -> None:
        pass

    def frame(self, far: FarEnd, now: float) -> bytes | HangUp:
        heard_until = far.seconds(far.runs[-1].end) if far.runs else far.start
        quiet_s = 0.0 if far.playing else now - heard_until
        if self._began is None and quiet_s < AFTER_S / 2:
            return bytes(2 * FRAME)
        self._began = self._began or now
        if self._at < len(self._pcm):
            piece = self._pcm[self._at : self._at + 2 * FRAME]
            self._at += len(piece)
            return piece.ljust(2 * FRAME, b"\0")
        self._ended = self._ended or now
        answered = heard_until > self._began
        waited_s = now - self._ended
        if waited_s > LONGEST_S or (answered and min(quiet_s, waited_s) >= AFTER_S):
            return HangUp("the recording is over")
        if not answered and waited_s >= NO_ANSWER_S:
            return HangUp("the engine did not answer", answered=False)
        return bytes(2 * FRAME)

    def spoken(self) -> list[Spoken]:
        return []


def last_sound(track: bytes, before: int) -> int | None:
    """The last sample before `before` that stands out of the background of `track`, to 20 ms: for
    callers of whom nobody knows what they said."""
    samples = np.frombuffer(track, "<i2")[:before].astype(np.float64)
    frames = samples[: samples.size // FRAME * FRAME].reshape(-1, FRAME)
    if not frames.size:
        return None
    level = np.sqrt(np.mean(frames**2, axis=1))
    # 10 dB above the quiet tenth of the call, and never below -46 dBFS.
    loud = np.flatnonzero(level > max(164.0, 3.2 * np.percentile(level, 10)))
    return int(loud[-1] + 1) * FRAME - 1 if loud.size else None
