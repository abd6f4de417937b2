"""Both sides of a call on one timeline: what was heard left, what was played right.

What we sent waits at the far end until what came before it has been played; a pause holds it there
and a clear drops it. So the right side is laid out by the far end's own rules, on our clock: it is
early by the way there, some 10 to 40 ms.
"""

from __future__ import annotations

import numpy as np

from engine.frames import BYTES_PER_SAMPLE, Audio

__all__ = ["StereoTape"]


class StereoTape:
    """Begins at `began_at`; times are the edge's. Sound before that is nobody's business."""

    def __init__(self, rate_hz: int, began_at: float) -> None:
        self.rate_hz = rate_hz
        self._began_at = began_at
        self._taken = 0
        """Samples that were given away, which the tracks begin after."""
        self._left = bytearray()
        self._right = bytearray()
        self._held: bytes | None = None
        """What waits at the far end while it is paused."""

    def heard(self, audio: Audio) -> None:
        """Sound of the person, of this rate."""
        self._lay(self._left, self._index(audio.at), audio.pcm)

    def played(self, pcm: bytes, now: float) -> None:
        """Sound was sent to the person."""
        if self._held is not None:
            self._held += pcm
            return
        end = self._taken + len(self._right) // BYTES_PER_SAMPLE
        self._lay(self._right, max(self._index(now), end), pcm)

    def paused(self, now: float) -> None:
        """The far end holds what it has not played."""
        if self._held is None:
            self._held = self._cut(now)

    def resumed(self, now: float) -> None:
        """The far end goes on."""
        held, self._held = self._held, None
        if held:
            self.played(held, now)

    def cleared(self, now: float) -> None:
        """The far end drops what it has not played."""
        self._held = None
        self._cut(now)

    def take(self, until: float) -> bytes:
        """Both sides from where it was left until then, interleaved s16le: left, right."""
        count = self._index(until) - self._taken
        if count <= 0:
            return b""
        both = np.zeros((count, 2), "<i2")
        for side, track in enumerate((self._left, self._right)):
            part = track[: count * BYTES_PER_SAMPLE]
            both[: len(part) // BYTES_PER_SAMPLE, side] = np.frombuffer(bytes(part), "<i2")
            del track[: count * BYTES_PER_SAMPLE]
        self._taken += count
        return both.tobytes()

    def _index(self, at: float) -> int:
        return round((at - self._began_at) * self.rate_hz)

    def _lay(self, track: bytearray, index: int, pcm: bytes) -> None:
        """Put sound where it belongs; what belongs before what was taken is lost."""
        start = (index - self._taken) * BYTES_PER_SAMPLE
        if start < 0:
            pcm, start = pcm[-start:], 0
        if start > len(track):
            track += bytes(start - len(track))
        track[start : start + len(pcm)] = pcm

    def _cut(self, now: float) -> bytes:
        """Take what the far end has not played off the right side."""
        start = max(0, self._index(now) - self._taken) * BYTES_PER_SAMPLE
        rest = bytes(self._right[start:])
        del self._right[start:]
        return rest
