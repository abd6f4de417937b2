"""A caller's line: the room, and every sound that is put on it, at its rate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from server.sim.sounds import Room, Sound

__all__ = ["Audible", "Mixer"]


@dataclass(frozen=True, slots=True)
class Audible:
    """A sound on the line's track: its first sample is the track's `start`."""

    sound: Sound
    start: int
    level_db: float

    @property
    def end(self) -> int:
        return self.start + self.sound.samples.size


class Mixer:
    """Makes the frames of a line. `echo` gives the sound of the far end's loudspeaker as it comes
    back at a sample of the track, if it does."""

    def __init__(self, room: Room, echo: Callable[[int], bytes] | None = None) -> None:
        self.at = 0
        """The first sample of the next frame."""
        self.heard: list[Audible] = []
        """Everything that was put on the line."""
        self._room = room
        self.frame_samples = self._size = room.frame_samples
        self._echo = echo
        self._open: list[Audible] = []

    def put(self, sound: Sound, *, offset: int = 0, level_db: float = 0.0) -> Audible:
        """Begin `sound` with the next frame, `offset` samples into it."""
        audible = Audible(sound, self.at + offset, level_db)
        self.heard.append(audible)
        self._open.append(audible)
        return audible

    def frame(self) -> bytes:
        """The next 20 ms, s16le."""
        noise = self._room.frame()
        at, size = self.at, self._size
        self.at = at + size
        echo = b"" if self._echo is None else self._echo(at)
        if not self._open and not echo:
            return noise
        mixed = np.frombuffer(noise, "<i2").astype(np.int32)
        if echo:
            mixed += np.frombuffer(echo, "<i2")
        for audible in self._open:
            begin = max(0, audible.start - at)
            skip = max(0, at - audible.start)
            part = audible.sound.samples[skip : skip + size - begin]
            mixed[begin : begin + part.size] += part
        self._open = [audible for audible in self._open if audible.end > self.at]
        return mixed.clip(-32768, 32767).astype("<i2").tobytes()
