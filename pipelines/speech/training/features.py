"""Kaldi's MFCC and Vosk's online mean normalisation, in numpy, for many calls at once.

`conf/mfcc.conf` of the model says the same to Vosk: 16 kHz, 25 ms windows every 10 ms, 40 mel bins
from 20 to 7600 Hz, 16 cepstra, no energy, no dither. A test compares with kaldi-native-fbank.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "BINS",
    "CEPSTRA",
    "MEL_BINS",
    "SHIFT",
    "cepstra",
    "cmvn",
    "mel_filters",
    "power",
    "spectra",
]

RATE_HZ: Final = 16_000
WINDOW: Final = 400
SHIFT: Final = 160
FFT: Final = 512
BINS: Final = FFT // 2 + 1
MEL_BINS: Final = 40
CEPSTRA: Final = 16
LOW_HZ: Final = 20.0
HIGH_HZ: Final = 7600.0
LIFTER: Final = 22.0
"""Kaldi's `--cepstral-lifter`, by default."""
PREEMPHASIS: Final = 0.97
FLOOR: Final = np.float32(np.finfo(np.float32).eps)

CMVN_WINDOW: Final = 600
CMVN_GLOBAL: Final = 200
"""Kaldi's OnlineCmvnOptions: frames of the window, and of the global mean where it is short."""

Floats = NDArray[np.float32]


def frames(samples: int) -> int:
    """Whole windows in a sound (Kaldi's `--snip-edges=true`)."""
    return max(0, 1 + (samples - WINDOW) // SHIFT)


def spectra(samples: Floats) -> NDArray[np.complex64]:
    """The windows' spectra [frames, BINS] of a sound of int16's scale."""
    from scipy.fft import rfft

    count = frames(len(samples))
    if not count:
        return np.zeros((0, BINS), np.complex64)
    windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::SHIFT][:count]
    centred = windows - windows.mean(axis=1, keepdims=True, dtype=np.float32)
    emphasised = np.empty_like(centred)
    emphasised[:, 1:] = centred[:, 1:] - np.float32(PREEMPHASIS) * centred[:, :-1]
    emphasised[:, 0] = centred[:, 0] * np.float32(1 - PREEMPHASIS)
    emphasised *= _povey()
    return np.asarray(rfft(emphasised, FFT, axis=1, overwrite_x=True), np.complex64)


def power(spectrum: NDArray[np.complex64]) -> Floats:
    """[frames, BINS]"""
    return np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)


@cache
def _povey() -> Floats:
    angle = 2 * np.pi * np.arange(WINDOW) / (WINDOW - 1)
    return np.asarray((0.5 - 0.5 * np.cos(angle)) ** 0.85, np.float32)


def _mel(hz: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(1127.0 * np.log1p(hz / 700.0))


def mel_filters(warp: float = 1.0) -> Floats:
    """Triangles [BINS, MEL_BINS]. With `warp` (0.7 to 1.4) the filters up to 5500 Hz lie at
    ``warp`` times their frequencies, so that the sound seems to come from a vocal tract as many
    times as long, and those above ever less so, as half the rate is the end of all."""
    edges = np.linspace(
        _mel(np.array(LOW_HZ)), _mel(np.array(HIGH_HZ)), MEL_BINS + 2, dtype=np.float64
    )
    nyquist = RATE_HZ / 2
    hz = np.interp(np.arange(BINS) * (RATE_HZ / FFT), (0, 5500 * warp, nyquist), (0, 5500, nyquist))
    mel = _mel(hz)[:, None]
    left, centre, right = edges[None, :-2], edges[None, 1:-1], edges[None, 2:]
    triangles = np.minimum((mel - left) / (centre - left), (right - mel) / (right - centre))
    triangles = np.maximum(triangles, 0)
    triangles[-1] = 0  # Kaldi leaves the bin at half the rate out
    return triangles.astype(np.float32)


@cache
def _dct() -> Floats:
    """[MEL_BINS, CEPSTRA]: the orthonormal DCT with the lifter."""
    order = np.arange(CEPSTRA)
    bins = np.arange(MEL_BINS)[:, None]
    matrix = np.sqrt(2.0 / MEL_BINS) * np.cos(np.pi / MEL_BINS * (bins + 0.5) * order)
    matrix[:, 0] = np.sqrt(1.0 / MEL_BINS)
    matrix *= 1.0 + 0.5 * LIFTER * np.sin(np.pi * order / LIFTER)
    return np.asarray(matrix, np.float32)


def log_mel(powers: Floats, filters: Floats) -> Floats:
    """[frames, MEL_BINS]"""
    return np.asarray(np.log(np.maximum(powers @ filters, FLOOR)), np.float32)


def cepstra(mels: Floats) -> Floats:
    """[frames, CEPSTRA] of log mel energies."""
    return np.asarray(mels @ _dct(), np.float32)


def mfcc(samples: Floats) -> Floats:
    """[frames, CEPSTRA] of a sound of int16's scale, as Kaldi computes them."""
    return cepstra(log_mel(power(spectra(samples)), mel_filters()))


def cmvn(features: Floats, mean: Floats) -> Floats:
    """Subtract the mean of the last 600 frames, this one included, and of up to 200 frames of the
    global `mean` as long as there are fewer (Kaldi's OnlineCmvn at the beginning of a call)."""
    count = len(features)
    total = np.zeros((count + 1, features.shape[1]), np.float64)
    np.cumsum(features, axis=0, out=total[1:], dtype=np.float64)
    last = np.arange(1, count + 1)
    first = np.maximum(last - CMVN_WINDOW, 0)
    seen = (last - first)[:, None]
    borrowed = np.minimum(CMVN_WINDOW - seen, CMVN_GLOBAL)
    means = (total[last] - total[first] + borrowed * mean) / (seen + borrowed)
    return np.asarray(features - means, np.float32)
