"""Loudness after ITU-R BS.1770-4, and keeping a voice at one: louder or softer voices come out
alike, and no peak is cut.

It works on sound as it is written, in pieces of any size, and holds nothing back.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from typing import Any

import numpy as np

from pipelines.audio.resample import RATE_HZ

__all__ = ["TARGET_LUFS", "Level", "Meter", "Voice"]

TARGET_LUFS = -20.0
"""Between what telephony is levelled for (-26 dBov of active speech, ITU-T P.830) and what is
published for telephones and tablets (-18 to -16 LUFS, AES TD1008): leaves 19 dB for peaks."""

CEILING = 10 ** (-1 / 20)
"""Peaks stay below -1 dBFS (EBU R 128)."""

MOST_DB = 24.0
"""A voice that is softer than that is broken, or whispers."""
SLEW_DB_PER_S = 10.0
"""How fast the level of a line may move: a syllable (200 ms) by 2 dB."""
PRIOR_S = 1.0
"""What a voice's other lines say about its loudness counts as much as so long a piece of this
one."""
MEMORY_S = 60.0

_STEP = RATE_HZ // 10
_BLOCK = 4
"""BS.1770-4: blocks of 400 ms that overlap by three quarters, so that they move by 100 ms."""
_ABSOLUTE = 10 ** ((-70 + 0.691) / 10)
_RELATIVE = 10**-1
_LIMIT = RATE_HZ // 200
"""The limiter looks at 5 ms at a time."""

# BS.1770-4, tables 1 and 2: the filters at 48 kHz.
_SHELF = (
    (1.53512485958697, -2.69169618940638, 1.19839281085285),
    (-1.69065929318241, 0.73248077421585),
)
_HIGH_PASS = ((1.0, -2.0, 1.0), (-1.99004745483398, 0.99007225036621))

Samples = np.ndarray[Any, Any]


@cache
def _weights() -> np.ndarray[Any, Any]:
    """What each frequency of a step's spectrum counts: its power through both filters, in parts
    of the step's mean square."""
    z = np.exp(-2j * np.pi * np.fft.rfftfreq(_STEP, 1 / RATE_HZ) / 48000)
    power = np.ones(z.size)
    for (b0, b1, b2), (a1, a2) in (_SHELF, _HIGH_PASS):
        power *= np.abs((b0 + b1 * z + b2 * z * z) / (1 + a1 * z + a2 * z * z)) ** 2
    power[1:-1] *= 2  # the spectrum's other half
    weights: np.ndarray[Any, Any] = power / _STEP**2
    return weights


def _energy(step: Samples) -> float:
    return float(np.abs(np.fft.rfft(step)) ** 2 @ _weights())


class Meter:
    """The loudness of all that was fed, 16 kHz, in samples from -1 to 1; of its last
    `MEMORY_S` where it is longer."""

    def __init__(self) -> None:
        self.energies: deque[float] = deque(maxlen=round(MEMORY_S * 10))
        """Of each 100 ms."""
        self._rest: Samples = np.zeros(0, np.float32)

    def feed(self, samples: Samples) -> None:
        samples = np.concatenate((self._rest, samples))
        whole = samples.size // _STEP * _STEP
        for at in range(0, whole, _STEP):
            self.energies.append(_energy(samples[at : at + _STEP]))
        self._rest = samples[whole:]

    def energy(self) -> float:
        """The mean square of what counts as sound; 0 where nothing does."""
        steps = np.fromiter(self.energies, np.float64)
        if steps.size >= _BLOCK:
            steps = np.convolve(steps, np.full(_BLOCK, 1 / _BLOCK), "valid")
        steps = steps[steps > _ABSOLUTE]
        if not steps.size:
            return 0.0
        return float(steps[steps > steps.mean() * _RELATIVE].mean())

    def lufs(self) -> float | None:
        """In LUFS; None where all was silence."""
        energy = self.energy()
        return -0.691 + 10 * float(np.log10(energy)) if energy else None


class Voice:
    """How loud a voice is, learnt from all its lines; shared by the calls that use it."""

    def __init__(self) -> None:
        self.meter = Meter()


class Level:
    """Brings one line of `voice` to `target_lufs`, piece by piece.

    The gain begins where the voice's other lines put it and moves slowly to what this one needs.
    """

    def __init__(self, voice: Voice, target_lufs: float = TARGET_LUFS) -> None:
        self._target_lufs = target_lufs
        self._voice = voice
        self._prior = voice.meter.energy()
        self._line = Meter()
        self._gain = self._wanted(self._prior) if self._prior else None
        self._limit = 1.0

    def feed(self, pcm: bytes) -> bytes:
        """s16le at 16 kHz in, as much of it out."""
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) / 32768
        self._line.feed(samples)
        self._voice.meter.feed(samples)
        gain = self._wanted(self._mixed() or float(np.square(samples).mean()))
        if self._gain is None:
            self._gain = gain
        most = 10 ** (SLEW_DB_PER_S * samples.size / RATE_HZ / 20)
        end = min(max(gain, self._gain / most), self._gain * most)
        samples *= np.linspace(self._gain, end, samples.size, dtype=np.float32)
        self._gain = end
        return (self._limited(samples) * 32768).astype("<i2").tobytes()

    def _mixed(self) -> float:
        """The line's mean square as far as it is known, and what the voice's others say."""
        line, line_s = self._line.energy(), len(self._line.energies) / 10
        if not line:
            return self._prior
        if not self._prior:
            return line
        return (self._prior * PRIOR_S + line * line_s) / (PRIOR_S + line_s)

    def _wanted(self, energy: float) -> float:
        if energy < _ABSOLUTE:
            return 1.0
        db = self._target_lufs + 0.691 - 10 * float(np.log10(energy))
        return 10 ** (min(max(db, -MOST_DB), MOST_DB) / 20)

    def _limited(self, samples: Samples) -> Samples:
        """Turned down around peaks over the ceiling; the rest is as it was."""
        if not samples.size or (np.abs(samples).max() <= CEILING and self._limit == 1.0):
            return samples
        blocks = -(-samples.size // _LIMIT)
        padded = np.zeros(blocks * _LIMIT, np.float32)
        padded[: samples.size] = np.abs(samples)
        peaks = np.maximum(padded.reshape(blocks, _LIMIT).max(axis=1), CEILING)
        wanted = CEILING / peaks
        # At each border the lower of its two blocks, so that neither has a peak too many.
        borders = np.minimum(np.append(wanted, 1.0), np.append(self._limit, wanted))
        at = np.arange(samples.size) / _LIMIT
        gains = np.interp(at, np.arange(blocks + 1), borders)
        self._limit = float(wanted[-1])
        clipped: Samples = np.clip(samples * gains, -CEILING, CEILING)
        return clipped
