"""Speech for the callers of the benches, synthesised in this process by espeak-ng."""

from __future__ import annotations

import numpy as np

from bench.errors import BenchError

__all__ = ["speak"]

#: What espeak-ng adds of breath at either end lies below it.
_EDGE = 10 ** (-30 / 20)
_PEAK = 10 ** (-3 / 20)


def speak(text: str, *, voice: str = "fr", words_per_minute: int = 165) -> bytes:
    """``text`` as s16le mono at 16 kHz, from its first sound to its last, peak at -3 dBFS."""
    from pipelines.speech.espeak import synthesise

    samples = np.frombuffer(synthesise(text, voice, words_per_minute), "<i2").astype(np.float32)
    level = np.abs(samples)
    peak = float(level.max(initial=0.0))
    if not peak:
        raise BenchError("espeak-ng spoke nothing; reinstall espeakng-loader")
    loud = np.flatnonzero(level > peak * _EDGE)
    trimmed = samples[loud[0] : loud[-1] + 1] * (_PEAK * 32767.0 / peak)
    return bytes(trimmed.round().astype("<i2").tobytes())
