"""Music on hold, made here: chords, a melody, a bass and sometimes a drum, by chance."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.resample import RATE_HZ

__all__ = ["music"]

Samples = NDArray[np.float64]

MAJOR, MINOR = (0, 4, 7), (0, 3, 7)
PROGRESSIONS = (
    ((0, MAJOR), (7, MAJOR), (9, MINOR), (5, MAJOR)),
    ((9, MINOR), (5, MAJOR), (0, MAJOR), (7, MAJOR)),
    ((0, MAJOR), (9, MINOR), (2, MINOR), (7, MAJOR)),
    ((2, MINOR), (7, MAJOR), (0, MAJOR), (0, MAJOR)),
)
SCALE = (0, 2, 4, 5, 7, 9, 11, 12)

INSTRUMENTS = {
    # Overtones, attack and decay in seconds (0: sustained), vibrato in parts of the frequency.
    "piano": ((1.0, 0.5, 0.3, 0.15, 0.1, 0.05), 0.005, 0.6, 0.0),
    "organ": ((1.0, 0.7, 0.0, 0.5, 0.0, 0.3), 0.02, 0.0, 0.0),
    "strings": ((1.0, 0.6, 0.45, 0.3, 0.2, 0.15, 0.1), 0.12, 0.0, 0.004),
    "bell": ((1.0, 0.0, 0.6, 0.0, 0.25), 0.002, 0.9, 0.0),
    "flute": ((1.0, 0.25, 0.08), 0.05, 0.0, 0.005),
}


def music(seconds: float, chance: np.random.Generator) -> Samples:
    """Sound at 16 kHz of RMS 1: one piece, with its instruments, key, tempo and chords."""
    out = np.zeros(round(seconds * RATE_HZ) + RATE_HZ)
    names = list(INSTRUMENTS)
    beat_s = 60 / chance.uniform(65, 130)
    key = 48 + int(chance.integers(12))
    progression = PROGRESSIONS[chance.integers(len(PROGRESSIONS))]
    chords, lead = (names[i] for i in chance.choice(len(names), 2))
    drums = chance.random() < 0.5
    at, bar = 0.0, 0
    while at < seconds:
        root, shape = progression[bar % len(progression)]
        for step in shape:
            _play(out, at, 4 * beat_s, key + root + step, 0.25, chords)
        for beat in range(4):
            start = at + beat * beat_s
            _play(out, start, beat_s, key - 12 + root, 0.3, "piano")
            if chance.random() < 0.8:
                long = beat_s * (2 if chance.random() < 0.2 else 1)
                note = key + 12 + SCALE[chance.integers(len(SCALE))]
                _play(out, start, long, note, 0.35, lead)
            if drums:
                _hit(out, start, 0.25 if beat % 2 else 0.12, chance)
        at += 4 * beat_s
        bar += 1
    piece = out[: round(seconds * RATE_HZ)]
    return np.asarray(piece / np.sqrt(np.mean(piece**2)))


def _play(
    out: Samples, at: float, seconds: float, note: int, loudness: float, instrument: str
) -> None:
    """A note (in semitones, 69 is 440 Hz) into `out`."""
    overtones, attack_s, decay_s, vibrato = INSTRUMENTS[instrument]
    start = round(at * RATE_HZ)
    size = min(round(seconds * RATE_HZ), out.size - start)
    if size <= 0:
        return
    time = np.arange(size) / RATE_HZ
    hz = 440.0 * 2 ** ((note - 69) / 12)
    phase = 2 * np.pi * hz * (time + vibrato / (2 * np.pi * 5.5) * np.sin(2 * np.pi * 5.5 * time))
    sound = np.zeros(size)
    for index, level in enumerate(overtones):
        if hz * (index + 1) < RATE_HZ / 2:
            sound += level * np.sin((index + 1) * phase)
    envelope = np.minimum(1.0, time / attack_s)
    if decay_s:
        envelope *= np.exp(-time / decay_s)
    envelope *= np.minimum(1.0, (size - np.arange(size)) / (0.02 * RATE_HZ))
    out[start : start + size] += loudness * envelope * sound


def _hit(out: Samples, at: float, loudness: float, chance: np.random.Generator) -> None:
    start = round(at * RATE_HZ)
    size = min(round(0.15 * RATE_HZ), out.size - start)
    if size > 0:
        noise = chance.normal(0, loudness, size)
        out[start : start + size] += noise * np.exp(-np.arange(size) / (0.03 * RATE_HZ))
