"""The last moments of a call's sound, in memory of their own.

Each frame is copied and let go at once, so that the next message takes the memory, still in the
processor's cache, that this one leaves. Kept alive, the frames of hundreds of calls would each be
written to memory that has to be fetched first, which costs more than the VAD.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["FRAME_BYTES", "FRAME_S", "Recent"]

FRAME_BYTES = 640
FRAME_S = 0.02
"""20 ms of s16le mono at 16 kHz."""

GAP_S = 0.1
"""Frames further apart than this are not of one piece: what came before is forgotten."""


class Recent:
    """At most `frames` frames of 20 ms, that follow one another."""

    __slots__ = ("_count", "_frames", "_next", "_ring", "at")

    def __init__(self, frames: int) -> None:
        self.at = 0.0
        """When the newest began."""
        self._frames = frames
        self._ring = bytearray(frames * FRAME_BYTES)
        self._next = 0
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, pcm: bytes, at: float) -> None:
        """The frame that began at `at`; the oldest gives way."""
        if at - self.at > GAP_S:
            self._count = 0
        slot = self._next
        self._ring[slot * FRAME_BYTES : (slot + 1) * FRAME_BYTES] = pcm
        self._next = slot + 1 if slot + 1 < self._frames else 0
        if self._count < self._frames:
            self._count += 1
        self.at = at

    def clear(self) -> None:
        self._count = 0

    def backwards(self) -> Iterator[tuple[float, bytes]]:
        """When each frame began, and its sound, from the newest back."""
        for back in range(self._count):
            slot = (self._next - 1 - back) % self._frames
            sound = bytes(self._ring[slot * FRAME_BYTES : (slot + 1) * FRAME_BYTES])
            yield self.at - back * FRAME_S, sound

    def since(self, at: float) -> list[tuple[float, bytes]]:
        """The frames that began at `at` or later, oldest first; the newest in any case."""
        found: list[tuple[float, bytes]] = []
        for when, sound in self.backwards():
            if found and when < at - FRAME_S / 4:
                break
            found.append((when, sound))
        return found[::-1]
