"""The caller's telephone line: a voice, in a room, through the telephone band.

All of it is made from a seed, so the same seed gives the same samples.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.int16]
    Signal = NDArray[np.float64]

__all__ = ["BAND_HZ", "FRAME", "RATE_HZ", "SNR_DB", "Line", "Utterance", "Voice", "pick_voice"]

RATE_HZ = 16000
FRAME = RATE_HZ // 50
"""Samples in 20 ms."""

BAND_HZ = (300, 3400)
"""The telephone band: ITU-T G.120."""

SNR_DB = 20.0
"""A quiet office; below 15 dB people begin to speak up."""

SPEECH_DBFS = -23.0
"""ITU-T P.56 active level of speech that the network expects is about -26 dBov."""

TAPS = 257
NOISE_S = 7
AUDIBLE = 0.04
"""Share of its peak below which an utterance is not heard at its ends: 28 dB down."""


@dataclass(frozen=True, slots=True)
class Voice:
    """An espeak-ng voice, its rate and its pitch."""

    name: str
    rate_wpm: int
    pitch: int

    def __str__(self) -> str:
        return f"{self.name}, {self.rate_wpm} words a minute, pitch {self.pitch}"


def pick_voice(names: tuple[str, ...], seed: int) -> Voice:
    """The voice of the caller number `seed`."""
    chance = random.Random(f"voice {seed}")
    return Voice(chance.choice(names), chance.randrange(150, 176), chance.randrange(40, 61))


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something said, as it comes down the line, without the noise: `first` and `last` are its
    first and last audible samples."""

    text: str
    samples: Samples
    first: int
    last: int


def utterance(text: str, pcm: bytes, *, telephone: bool = True) -> Utterance:
    """`pcm` (16 kHz) at the level of a telephone call; in the telephone band, or as it is."""
    speech = np.frombuffer(pcm, "<i2").astype(np.float64)
    if not speech.any():
        raise ValueError(f"nothing is heard of {text!r}; it needs words that can be spoken")
    # Two frames before it: the one that was recorded while he decided to speak holds none of it.
    speech = np.concatenate([np.zeros(2 * FRAME), speech, np.zeros(FRAME)])
    if telephone:
        speech = _band(speech)
    loud = np.abs(speech)
    active = speech[loud > AUDIBLE * loud.max()]
    gain = 32768 * 10 ** (SPEECH_DBFS / 20) / np.sqrt(np.mean(active**2))
    heard = np.flatnonzero(loud > AUDIBLE * loud.max())
    return Utterance(text, _pcm(speech * gain), int(heard[0]), int(heard[-1]))


class Line:
    """What the caller's end sends, frame after frame: room noise, and whatever is being said."""

    def __init__(self, seed: int, snr_db: float = SNR_DB, *, telephone: bool = True) -> None:
        chance = np.random.default_rng(seed)
        noise = _pink(chance.standard_normal(NOISE_S * RATE_HZ))
        if telephone:
            noise = _band(noise)
        level = 32768 * 10 ** ((SPEECH_DBFS - snr_db) / 20)
        self._noise = noise * (level / np.sqrt(np.mean(noise**2)))
        self._at = 0
        self._rest = np.zeros(0, np.int16)

    @property
    def speaking(self) -> bool:
        return bool(self._rest.size)

    def say(self, utterance: Utterance) -> int:
        """Say `utterance` from the next frame on; the sample of the line at which it begins."""
        self._rest = utterance.samples
        return self._at

    def frame(self) -> bytes:
        """The next 20 ms: s16le mono at 16 kHz."""
        sound = np.take(self._noise, range(self._at, self._at + FRAME), mode="wrap")
        said, self._rest = self._rest[:FRAME], self._rest[FRAME:]
        sound[: said.size] += said
        self._at += FRAME
        return _pcm(sound).tobytes()


def _pcm(signal: Signal) -> Samples:
    return np.clip(np.rint(signal), -32768, 32767).astype("<i2")


def _pink(white: Signal) -> Signal:
    """Noise with as much power in each octave, as rooms have; periodic, so that it loops."""
    spectrum = np.fft.rfft(white)
    spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
    spectrum[0] = 0
    return np.fft.irfft(spectrum, white.size)


def _band(signal: Signal) -> Signal:
    """`signal` through the telephone band, without delay."""
    n = np.arange(TAPS) - TAPS // 2
    low, high = (2 * hz / RATE_HZ for hz in BAND_HZ)
    taps = (high * np.sinc(high * n) - low * np.sinc(low * n)) * np.blackman(TAPS)
    return np.convolve(signal, taps, mode="same")
