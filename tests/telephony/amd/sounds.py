"""Sounds of a line, made of formulas: the same each time."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from engine.frames import Audio
from telephony.amd import Amd, Beep, Verdict

Sound = NDArray[np.float64]
"""From -1 to 1, at `RATE_HZ`."""

RATE_HZ = 8000


def silence(seconds: float, rate_hz: int = RATE_HZ) -> Sound:
    return np.zeros(round(seconds * rate_hz))


def tone(*hz: float, seconds: float, level: float = 0.1, rate_hz: int = RATE_HZ) -> Sound:
    """One tone, or several at once."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    return np.asarray(sum(level * np.sin(2 * np.pi * one * time) for one in hz))


def voice(seconds: float, level: float = 0.1, seed: int = 1, rate_hz: int = RATE_HZ) -> Sound:
    """Four syllables a second: harmonics that glide, with dips between them."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    chance = np.random.default_rng(seed)
    pitch_hz = 130 + 25 * np.sin(2 * np.pi * 1.3 * time + chance.random())
    phase = 2 * np.pi * np.cumsum(pitch_hz) / rate_hz
    formant = 6 + 3 * np.sin(2 * np.pi * 2.1 * time)
    sound = np.zeros(time.size)
    for harmonic in range(2, 22):
        sound += np.sin(harmonic * phase) / (1 + np.abs(harmonic - formant))
    envelope = np.clip(1.2 * np.abs(np.sin(2 * np.pi * 2 * time)), 0.1, 1)
    sound *= envelope
    return np.asarray(sound * (level / np.abs(sound).max()))


def notes(seconds: float, level: float = 0.1) -> Sound:
    """Chords of half a second."""
    chords = ((262, 330, 392), (294, 370, 440), (349, 440, 523), (392, 494, 587))
    pieces = [
        sum((tone(hz, 2 * hz, seconds=0.5, level=level / 3) for hz in chord), silence(0.5))
        for chord in chords * (round(seconds / 2) + 1)
    ]
    return np.concatenate(pieces)[: round(seconds * RATE_HZ)]


def line(*parts: Sound, noise_db: float = -60.0, seed: int = 1) -> Sound:
    """One after the other, with the noise that every line has."""
    whole = np.concatenate(parts)
    noise = np.random.default_rng(seed).normal(0, 10 ** (noise_db / 20), whole.size)
    return np.asarray(whole + noise)


def frames(sound: Sound, at: float = 0.0, rate_hz: int = RATE_HZ) -> Iterator[Audio]:
    """Packets of 20 ms."""
    pcm = (np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes()
    size = rate_hz // 50 * 2
    for index in range(len(pcm) // size):
        yield Audio(pcm[index * size : (index + 1) * size], rate_hz, at + index * 0.02)


def heard(amd: Amd, sound: Sound, at: float = 0.0) -> list[Verdict | Beep]:
    """What the detector tells of it."""
    return [told for frame in frames(sound, at) for told in amd.feed(frame)]
