"""G.711, the coding of the telephone network."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["mulaw"]

_BIAS, _CLIP = 132, 32635
"""ITU-T G.711, for samples of 16 bits."""


def mulaw(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """`samples` as they come out of µ-law coding (ITU-T G.711)."""
    level = np.minimum(np.abs(samples.astype(np.int32)), _CLIP) + _BIAS
    segment = np.floor(np.log2(level)).astype(np.int32) - 7
    step = level >> (segment + 3) & 0x0F
    decoded = (((step << 3) + _BIAS) << segment) - _BIAS
    signed: NDArray[np.int16] = np.where(samples < 0, -decoded, decoded).astype("<i2")
    return signed
