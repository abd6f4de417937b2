"""Resampling of streams. Sound at our own rate passes through untouched."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import soxr

from engine.frames import Audio, Frame
from pipelines.audio.polyphase import Polyphase, small_ratio

__all__ = ["RATE_HZ", "Resample", "StreamResampler"]

RATE_HZ = 16000
"""Our own rate: what the voice activity detectors and the recognisers want."""


class StreamResampler:
    """s16le mono at `from_hz` in, at `to_hz` out, in pieces of any size.

    Between the rates of live sound (8, 16, 24, 48 kHz) 1.5 to 3 ms are held back
    (`pipelines.audio.polyphase`); from and to others, which are those of synthesis, soxr holds
    back up to 40 ms of sound that comes faster than real time.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._from_hz = from_hz
        self._to_hz = to_hz
        self._feed: Callable[[bytes, bool], bytes] | None = None
        self._pending = 0  # input samples not yet out, times to_hz

    @property
    def pending_s(self) -> float:
        """Sound that went in and has not come out."""
        return self._pending / (self._from_hz * self._to_hz)

    def feed(self, pcm: bytes, last: bool = False) -> bytes:
        """Resample `pcm`, whole samples. `last` flushes; what comes after is a new stream."""
        if self._from_hz == self._to_hz:
            return pcm
        if self._feed is None:
            live = small_ratio(self._from_hz, self._to_hz)
            self._feed = (Polyphase if live else _Soxr)(self._from_hz, self._to_hz).feed
        out = self._feed(pcm, last)
        if last:
            self._feed = None
            self._pending = 0
        else:
            self._pending += len(pcm) // 2 * self._to_hz - len(out) // 2 * self._from_hz
        return out


class _Soxr:
    """One stream of any ratio."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream: Any = soxr.ResampleStream(from_hz, to_hz, 1, dtype="int16", quality="HQ")

    def feed(self, pcm: bytes, last: bool) -> bytes:
        out: bytes = self._stream.resample_chunk(np.frombuffer(pcm, "<i2"), last=last).tobytes()
        return out


class Resample:
    """A transform: Audio at any rate in, at 16 kHz out, with the times of its samples.

    Silence as long as what the filter holds back goes out first, so that 20 ms in are 20 ms out at
    once: what came in frames of that length goes on in such, and the last frame of what somebody
    said does not wait for the next one.
    """

    def __init__(self) -> None:
        self._rate_hz = 0
        self._resampler = StreamResampler(RATE_HZ, RATE_HZ)

    def feed(self, frame: Frame) -> Iterable[Frame]:
        if not isinstance(frame, Audio) or frame.rate_hz == RATE_HZ:
            return (frame,)
        begins = frame.rate_hz != self._rate_hz
        if begins:
            self._rate_hz = frame.rate_hz
            self._resampler = StreamResampler(frame.rate_hz, RATE_HZ)
        pcm = self._resampler.feed(frame.pcm)
        if begins:
            pcm = bytes(2 * round(self._resampler.pending_s * RATE_HZ)) + pcm
        if not pcm:
            return ()
        # From the end backwards, by the newest time: the clock of a far end drifts.
        end = frame.at + frame.duration_s - self._resampler.pending_s
        return (Audio(pcm, RATE_HZ, end - len(pcm) / (2 * RATE_HZ)),)
