"""Voicing: whether a sound has the pitch of a voice, which words have and a cough has not."""

from __future__ import annotations

import numpy as np

__all__ = ["voiced_s"]

RATE_HZ = 8000
"""The telephone band tells it, at half the work."""
FRAME = 512
"""64 ms: four periods of the lowest voice, and enough of noise to know it for noise."""
HOP = 160
"""20 ms."""
LAGS = slice(RATE_HZ // 400, RATE_HZ // 60)
"""Periods of voices: 60 to 400 Hz."""
BAND_HZ = (200.0, 3800.0)
PERIODIC = 0.16
"""Peak of the autocorrelation, of the magnitude spectrum so that no formant outweighs the rest
(Tolonen and Karjalainen, 2000), from which a frame has a pitch: docs/turns.md."""

_WINDOW = np.hanning(FRAME).astype(np.float32)
_HZ = np.fft.rfftfreq(2 * FRAME, 1 / RATE_HZ)
_BAND = (np.abs(_HZ - np.mean(BAND_HZ)) <= np.ptp(BAND_HZ) / 2).astype(np.float32)


def voiced_s(pcm: bytes, floor: float = 0.0) -> float:
    """Seconds of `pcm` (s16le mono at 16 kHz) that have a pitch, of what is louder than `floor`
    (root mean square, of 32,768). Takes a millisecond for each second of sound."""
    samples = np.frombuffer(pcm[: len(pcm) // 4 * 4], "<i2").astype(np.float32)
    narrow = samples.reshape(-1, 2).mean(axis=1)
    if narrow.size < FRAME:
        return 0.0
    frames = np.lib.stride_tricks.sliding_window_view(narrow, FRAME)[::HOP]
    loud = frames[np.square(frames).mean(axis=1) > max(floor, 1.0) ** 2]
    if not len(loud):
        return 0.0
    spectrum = np.abs(np.fft.rfft(loud * _WINDOW, 2 * FRAME)) * _BAND
    alike = np.fft.irfft(spectrum)
    periodic = alike[:, LAGS].max(axis=1) > PERIODIC * alike[:, 0]
    return float(np.count_nonzero(periodic)) * HOP / RATE_HZ
