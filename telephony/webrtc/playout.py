"""What the far end plays next: sound and marks in order, handed out frame by frame.

Whoever pulls the frames is the far end's clock: what was pulled is what is played. Pure: no clock
and no I/O.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

__all__ = ["FRAME_MS", "PlayoutQueue"]

FRAME_MS = 20
"""What WebRTC sends in one packet (RFC 7874, 4)."""


@dataclass(frozen=True, slots=True)
class _Sound:
    turn: int
    pcm: memoryview


@dataclass(frozen=True, slots=True)
class _Mark:
    turn: int
    name: str


class PlayoutQueue:
    """Sound belongs to the turn `turn`. s16le mono at `rate_hz`, in pieces of any size.

    Pausing and clearing take effect with the next frame. A mark is reached when the frame that
    holds the last sound before it has been played, which is when the next one is pulled.
    """

    def __init__(self, rate_hz: int) -> None:
        self.frame_bytes = rate_hz * FRAME_MS // 1000 * 2
        self.turn = 0
        self.paused = False
        self._bytes_per_ms = rate_hz * 2 / 1000
        self._queue: deque[_Sound | _Mark] = deque()
        self._passed: list[str] = []  # marks within the frame that is played now
        self._played: dict[int, int] = {}  # bytes by turn

    def sound(self, pcm: bytes) -> None:
        if pcm:
            self._queue.append(_Sound(self.turn, memoryview(pcm)))

    def mark(self, name: str) -> None:
        self._queue.append(_Mark(self.turn, name))

    def clear(self, turn: int) -> None:
        """Drop sound and marks of `turn` that were not pulled, and end a pause."""
        self._queue = deque(item for item in self._queue if item.turn != turn)
        self.paused = False

    def played_ms(self, turn: int) -> float:
        """How much of the turn's sound was pulled."""
        return self._played.get(turn, 0) / self._bytes_per_ms

    def pull(self) -> tuple[bytes, list[str]]:
        """The next frame, and the marks reached before it begins.

        Empty where there is nothing to hear: no sound, or a pause. A frame that sound fills only
        in part ends in silence.
        """
        reached, self._passed = self._passed, []
        while self._queue and isinstance(mark := self._queue[0], _Mark):
            reached.append(mark.name)
            self._queue.popleft()
        if self.paused or not self._queue:
            return b"", reached
        frame = bytearray()
        while self._queue and (missing := self.frame_bytes - len(frame)):
            item = self._queue.popleft()
            if isinstance(item, _Mark):
                self._passed.append(item.name)
                continue
            if len(item.pcm) > missing:
                self._queue.appendleft(_Sound(item.turn, item.pcm[missing:]))
            piece = item.pcm[:missing]
            frame += piece
            self._played[item.turn] = self._played.get(item.turn, 0) + len(piece)
        frame += bytes(self.frame_bytes - len(frame))
        return bytes(frame), reached
