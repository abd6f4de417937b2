"""A tape on which a scene is put together: sound at 16 kHz, and what is where on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.resample import RATE_HZ

__all__ = ["SPEECH_DB", "Said", "Tape", "at_level"]

Samples = NDArray[np.float64]
"""From -1 to 1."""

SPEECH_DB = -26.0
"""The telephone network's nominal level of speech (ITU-T P.56)."""
FADE_S = 0.003
"""Generators of tones begin and end without a click."""


def at_level(samples: Samples, db: float) -> Samples:
    """`samples` with an RMS of `db` to full scale; silence stays silence."""
    rms = float(np.sqrt(np.mean(samples**2))) if samples.size else 0.0
    return np.asarray(samples * (10 ** (db / 20) / rms)) if rms else samples


@dataclass(frozen=True, slots=True)
class Said:
    """`text` is said from `at` to `until`, in seconds of the tape."""

    text: str
    at: float
    until: float


@dataclass(slots=True)
class Tape:
    """What was put on it so far."""

    said: list[Said] = field(default_factory=list)
    beep_until: float | None = None
    """When the last beep ends."""
    _pieces: list[Samples] = field(default_factory=list)
    _size: int = 0

    @property
    def now(self) -> float:
        return self._size / RATE_HZ

    @property
    def sound(self) -> Samples:
        return np.concatenate(self._pieces) if self._pieces else np.zeros(0)

    def add(self, samples: Samples) -> None:
        self._pieces.append(samples)
        self._size += samples.size

    def pause(self, seconds: float) -> None:
        self.add(np.zeros(round(seconds * RATE_HZ)))

    def say(self, text: str, pcm: bytes, db: float = SPEECH_DB) -> None:
        """Speech of s16le mono at 16 kHz."""
        at = self.now
        self.add(at_level(np.frombuffer(pcm, "<i2") / 32768.0, db))
        self.said.append(Said(text, at, self.now))

    def tone(self, *hz: float, seconds: float, db: float = -20.0) -> None:
        """One tone, or several at once, each of RMS `db`."""
        time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
        sound = np.zeros(time.size)
        for one in hz:
            sound += np.sqrt(2) * 10 ** (db / 20) * np.sin(2 * np.pi * one * time)
        fade = np.minimum(1.0, np.minimum(time, time[::-1]) / FADE_S)
        self.add(sound * fade)

    def beep(self, hz: float, seconds: float, db: float = -20.0) -> None:
        self.tone(hz, seconds=seconds, db=db)
        self.beep_until = self.now

    def pulses(self, *hz: float, on_s: float, off_s: float, count: int, db: float = -20.0) -> None:
        for _ in range(count):
            self.tone(*hz, seconds=on_s, db=db)
            self.pause(off_s)

    def keyed(self, bits: Sequence[bool], baud: int, mark_hz: float, space_hz: float) -> None:
        """A modem's two tones in turn."""
        hz = np.repeat(np.where(bits, mark_hz, space_hz), round(RATE_HZ / baud))
        self.add(0.14 * np.sin(2 * np.pi * np.cumsum(hz) / RATE_HZ))
