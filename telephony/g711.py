"""G.711, the coding of the telephone network, for samples of 16 bits (ITU-T G.711)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["A_LAW", "MU_LAW", "Law", "mulaw"]

Samples = NDArray[np.int16]


def _mu(code: NDArray[np.int32]) -> NDArray[np.int32]:
    """Table 2: the level of each code."""
    code = ~code & 0xFF
    level = (((code & 0x0F) << 3) + 132 << ((code & 0x70) >> 4)) - 132
    return np.where(code & 0x80, -level, level)


def _a(code: NDArray[np.int32]) -> NDArray[np.int32]:
    """Table 1."""
    code ^= 0x55
    segment, step = (code & 0x70) >> 4, (code & 0x0F) << 4
    level = np.where(segment > 0, (step + 0x108) << np.maximum(segment - 1, 0), step + 8)
    return np.where(code & 0x80, level, -level)


class Law:
    """One of the two laws, by table; `silence` is the byte that the least level has."""

    def __init__(self, levels: NDArray[np.int32]) -> None:
        self._levels = levels.astype("<i2")
        order = np.argsort(levels, kind="stable")
        known = levels[order]
        samples = np.arange(-32768, 32768)
        # The code whose level is nearest.
        middle = (known[1:] + known[:-1]) / 2
        nearest = order[np.searchsorted(middle, samples, side="right")]
        self._codes = np.roll(nearest.astype(np.uint8), 32768)
        self.silence = bytes(self._codes[:1])

    def encode(self, samples: Samples) -> bytes:
        """One byte for each sample."""
        return self._codes[samples.view(np.uint16)].tobytes()

    def decode(self, coded: bytes) -> Samples:
        """One sample for each byte."""
        return self._levels[np.frombuffer(coded, np.uint8)]


_CODES = np.arange(256, dtype=np.int32)
MU_LAW = Law(_mu(_CODES.copy()))
A_LAW = Law(_a(_CODES.copy()))


def mulaw(samples: Samples) -> Samples:
    """`samples` as they come out of µ-law coding."""
    return MU_LAW.decode(MU_LAW.encode(samples))
