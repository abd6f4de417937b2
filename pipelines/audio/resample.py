"""Resampling of streams, by soxr.

Sound at our own rate passes through untouched.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import soxr

from engine.frames import Audio, Frame

__all__ = ["RATE_HZ", "Resample", "StreamResampler"]

RATE_HZ = 16000
"""Our own rate: what the voice activity detectors and the recognisers want."""


class StreamResampler:
    """s16le mono at `from_hz` in, at `to_hz` out, in pieces of any size.

    The filter holds sound back: LQ (16 bit, the default) 6 ms between 16 and 24 or 48 kHz and
    12 ms between 8 and 16 kHz, against 30 and 40 ms for HQ, which is for what arrives faster than
    real time.
    """

    def __init__(self, from_hz: int, to_hz: int, *, quality: str = "LQ") -> None:
        self._from_hz = from_hz
        self._to_hz = to_hz
        self._quality = quality
        self._stream: Any = None
        self._pending = 0  # input samples not yet out, times to_hz

    @property
    def pending_s(self) -> float:
        """Sound that went in and has not come out."""
        return self._pending / (self._from_hz * self._to_hz)

    def feed(self, pcm: bytes, last: bool = False) -> bytes:
        """Resample `pcm`, whole samples. `last` flushes; what comes after is a new stream."""
        if self._from_hz == self._to_hz:
            return pcm
        if self._stream is None:
            self._stream = soxr.ResampleStream(
                self._from_hz, self._to_hz, 1, dtype="int16", quality=self._quality
            )
        samples = np.frombuffer(pcm, "<i2")
        out: bytes = self._stream.resample_chunk(samples, last=last).tobytes()
        if last:
            self._stream = None
            self._pending = 0
        else:
            self._pending += len(samples) * self._to_hz - len(out) // 2 * self._from_hz
        return out


class Resample:
    """A transform: Audio at any rate in, at 16 kHz out, with the times of its samples."""

    def __init__(self, *, quality: str = "LQ") -> None:
        self._quality = quality
        self._rate_hz = 0
        self._resampler = StreamResampler(RATE_HZ, RATE_HZ)

    def feed(self, frame: Frame) -> Iterable[Frame]:
        if not isinstance(frame, Audio) or frame.rate_hz == RATE_HZ:
            return (frame,)
        if frame.rate_hz != self._rate_hz:
            self._rate_hz = frame.rate_hz
            self._resampler = StreamResampler(frame.rate_hz, RATE_HZ, quality=self._quality)
        pcm = self._resampler.feed(frame.pcm)
        if not pcm:
            return ()
        # From the end backwards, by the newest time: the clock of a far end drifts.
        end = frame.at + frame.duration_s - self._resampler.pending_s
        return (Audio(pcm, RATE_HZ, end - len(pcm) / (2 * RATE_HZ)),)
