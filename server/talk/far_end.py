"""The far end of a call over the media WebSocket: bytes and messages in, what was audible out.

Sans-I/O: every method takes the time in seconds, and returns the messages to send back. Sound is
kept to the sample: the track has a sample for each tick of the rate since the start, silence where
nothing was played.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["FarEnd", "Message", "Run"]

Message = dict[str, Any]
"""A TEXT message of docs/protocols/media.md as an object."""

BYTES_PER_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class Run:
    """Sound of one turn that was played without a break: samples `start` to `end` of the track."""

    turn: int
    start: int
    end: int


@dataclass(slots=True)
class _Sound:
    turn: int
    pcm: memoryview


@dataclass(frozen=True, slots=True)
class _Mark:
    turn: int
    name: str


class FarEnd:
    """Plays what it receives, with the features `mark`, `clear` and `pause`.

    Like a sound card it takes `frame_ms` at a time: sound that comes while nothing plays begins at
    the next such frame, counted from `start`. `pause`, `resume` and `clear` take effect at the
    sample. Sound belongs to the turn of the last `reply`.
    """

    def __init__(self, rate_hz: int, start: float, *, frame_ms: int = 20) -> None:
        self.rate_hz = rate_hz
        self.start = start
        self.turn = 0
        """The turn that sound received now belongs to; 0 before the first reply."""
        self.paused = False
        self.runs: list[Run] = []
        self.reached: dict[str, float] = {}
        """Marks that were reached, and when (to the sample)."""
        self._frame = rate_hz * frame_ms // 1000
        self._queue: deque[_Sound | _Mark] = deque()
        self._track = bytearray()
        self._not_before = 0
        self._played: dict[int, int] = {}

    # What comes in

    def receive(self, message: bytes | Mapping[str, Any], now: float) -> list[Message]:
        """Take a BINARY message or a TEXT message's object; the answers to it are returned."""
        answers = self.advance(now)
        if isinstance(message, bytes):
            self._sound(message)
            return answers
        match message:
            case {"type": "reply", "turn": int(turn)}:
                self.turn = turn
            case {"type": "mark", "name": str(name)}:
                self._queue.append(_Mark(self.turn, name))
                self._pass_marks(answers)
            case {"type": "pause", "turn": int(turn)}:
                self.paused = True
                answers.append(self._position(turn))
            case {"type": "resume"}:
                self.paused = False
            case {"type": "clear", "turn": int(turn)}:
                self._queue = deque(item for item in self._queue if item.turn != turn)
                self.paused = False
                self._pass_marks(answers)
                answers.append(self._position(turn))
            case _:
                pass
        return answers

    def advance(self, now: float) -> list[Message]:
        """Play up to `now`; the marks reached since are returned. Time does not go backwards."""
        answers: list[Message] = []
        # A float of seconds is a little less than the sample it stands for as often as not.
        until = math.floor((now - self.start) * self.rate_hz + 1e-3)
        self._pass_marks(answers)
        while (at := self._at) < until:
            if self.paused or not self._queue:
                self._silence(until)
            elif at < self._not_before:
                self._silence(min(until, self._not_before))
            else:
                self._play(until - at)
                self._pass_marks(answers)
        return answers

    # What was and will be heard

    @property
    def playing(self) -> bool:
        """There is sound that has not been played."""
        return bool(self._queue)

    def played_ms(self, turn: int) -> float:
        """How much of the turn's sound has been played."""
        return self._played.get(turn, 0) * 1000 / self.rate_hz

    def track(self, first: int = 0) -> bytes:
        """What was audible from the sample `first` on, up to the last `advance`: s16le mono."""
        return bytes(self._track[first * BYTES_PER_SAMPLE :])

    def piece(self, first: int, end: int) -> bytes:
        """What was audible of the samples `first` to `end`, as far as that has been played."""
        return bytes(self._track[first * BYTES_PER_SAMPLE : end * BYTES_PER_SAMPLE])

    def seconds(self, sample: int) -> float:
        """When the sample `sample` of the track was played."""
        return self.start + sample / self.rate_hz

    def due(self) -> float | None:
        """When the next mark will be reached; None if none is, or while paused."""
        if self.paused:
            return None
        at = max(self._at, self._not_before)
        for item in self._queue:
            if isinstance(item, _Mark):
                return self.seconds(at)
            at += len(item.pcm) // BYTES_PER_SAMPLE
        return None

    # The playout

    @property
    def _at(self) -> int:
        return len(self._track) // BYTES_PER_SAMPLE

    def _sound(self, pcm: bytes) -> None:
        if len(pcm) % BYTES_PER_SAMPLE:
            raise ValueError(f"{len(pcm)} bytes hold half a sample; sound is s16le mono")
        if not pcm:
            return
        if not self._queue:
            self._not_before = -(-self._at // self._frame) * self._frame
        self._queue.append(_Sound(self.turn, memoryview(pcm)))

    def _silence(self, until: int) -> None:
        self._track += bytes((until - self._at) * BYTES_PER_SAMPLE)

    def _play(self, samples: int) -> None:
        sound = self._queue[0]
        assert isinstance(sound, _Sound)
        size = min(samples * BYTES_PER_SAMPLE, len(sound.pcm))
        start = self._at
        self._track += sound.pcm[:size]
        sound.pcm = sound.pcm[size:]
        if not sound.pcm:
            self._queue.popleft()
        self._played[sound.turn] = self._played.get(sound.turn, 0) + self._at - start
        last = self.runs[-1] if self.runs else None
        if last is not None and last.turn == sound.turn and last.end == start:
            self.runs[-1] = Run(last.turn, last.start, self._at)
        else:
            self.runs.append(Run(sound.turn, start, self._at))

    def _pass_marks(self, answers: list[Message]) -> None:
        while self._queue and isinstance(mark := self._queue[0], _Mark):
            self._queue.popleft()
            self.reached[mark.name] = self.seconds(self._at)
            answers.append({"type": "mark", "name": mark.name})

    def _position(self, turn: int) -> Message:
        return {"type": "played", "turn": turn, "ms": round(self.played_ms(turn), 3)}
