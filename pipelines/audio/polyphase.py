"""A resampler that holds back no more than its filter must: 1.5 to 3 ms.

soxr resamples in blocks of up to 60 ms at 8 kHz, on average half of that late, which a caller would
hear as a slower answer. Between 8, 16, 24 and 48 kHz a short linear-phase filter does.
"""

from __future__ import annotations

from functools import cache
from math import ceil, gcd

import numpy as np
import numpy.typing as npt

__all__ = ["Polyphase", "small_ratio"]

HALF_LENGTH = 24
"""Samples of the lower rate on either side: 3 ms at 8 kHz."""
CUTOFF = 0.94
"""Of half the lower rate. With the window it passes 3.4 kHz of 8 kHz and stops at 4.1."""
KAISER_BETA = 5.65
"""60 dB down (Kaiser's formula), below the noise of a telephone."""
MAX_FACTOR = 6

_Floats = npt.NDArray[np.float32]


def small_ratio(from_hz: int, to_hz: int) -> bool:
    """Whether the ratio of the rates is of small numbers, such as 2:3."""
    return max(from_hz, to_hz) // gcd(from_hz, to_hz) <= MAX_FACTOR


class Polyphase:
    """One stream. Each `down` samples that come in are `up` that go out, aligned in time."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        shared = gcd(from_hz, to_hz)
        self._up, self._down = to_hz // shared, from_hz // shared
        self._filters, before, self._after = _design(self._up, self._down)
        self._width = len(self._filters)
        self._buffer: _Floats = np.zeros(before, np.float32)
        self._taken = 0
        self._given = 0

    def feed(self, pcm: bytes, last: bool = False) -> bytes:
        """s16le in, s16le out. With `last` all of the sound is out, and the stream is over."""
        samples = np.frombuffer(pcm, "<i2")
        self._taken += len(samples)
        parts = [self._buffer, samples]
        if last:
            parts.append(np.zeros(self._after + self._down, np.float32))
        buffer = np.concatenate(parts, dtype=np.float32)
        blocks = (len(buffer) - self._width) // self._down + 1
        if blocks <= 0:
            self._buffer = buffer
            return b""
        # A view in which each block's window is a row; `sliding_window_view` takes 20 times longer.
        size = buffer.itemsize
        windows: _Floats = np.ndarray(
            (blocks, self._width), np.float32, buffer, strides=(self._down * size, size)
        )
        sound = (windows.copy() @ self._filters).ravel()
        self._buffer = buffer[blocks * self._down :]
        np.rint(sound, out=sound)
        np.maximum(sound, -32768, out=sound)
        np.minimum(sound, 32767, out=sound)
        out = sound.astype("<i2")
        if last:
            out = out[: ceil(self._taken * self._up / self._down) - self._given]
        self._given += len(out)
        return bytes(out.tobytes())


@cache
def _design(up: int, down: int) -> tuple[_Floats, int, int]:
    """The filter of each of the `up` outputs of a block (window of inputs x outputs), and how many
    inputs the window holds before the block's first and after it."""
    half = HALF_LENGTH * max(up, down)
    time = np.arange(-half, half + 1)
    low_pass = CUTOFF / max(up, down) * np.sinc(CUTOFF / max(up, down) * time)
    low_pass *= np.kaiser(2 * half + 1, KAISER_BETA)
    before = half // up
    after = ((up - 1) * down + half) // up
    filters = np.zeros((before + after + 1, up), np.float32)
    for place in range(-before, after + 1):
        for output in range(up):
            tap = output * down - place * up + half
            if 0 <= tap <= 2 * half:
                filters[place + before, output] = low_pass[tap]
    filters /= filters.sum(axis=0)  # what is constant stays exactly so
    return filters, before, after
