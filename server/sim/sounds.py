"""What callers sound like: voices, coughs and rooms, by the condition of the line. Made once in a
process, the same every time."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from pipelines.speech.lines import pause_ms
from server.sim.voices import OURS, pcm
from server.talk.line import Line, Utterance, utterance

if TYPE_CHECKING:
    from server.talk.line import Samples

__all__ = [
    "CONDITIONS",
    "COUGHS",
    "Condition",
    "Room",
    "Sound",
    "kept",
    "lines_sound",
    "sound",
    "whole_sound",
]

COUGHS = ("cough-1", "cough-2", "cough-3")
RATE_HZ = 16000


@dataclass(frozen=True, slots=True)
class Condition:
    """A line: the rate of the WebSocket, the band, how far the room is below the voice."""

    name: str
    rate_hz: int
    telephone: bool
    snr_db: float


CONDITIONS: Mapping[str, Condition] = {
    condition.name: condition
    for condition in (
        # No room is silent: 50 dB is a quiet studio.
        Condition("clean", 16_000, telephone=False, snr_db=50.0),
        Condition("telephone", 16_000, telephone=True, snr_db=30.0),
        Condition("8 kHz", 8_000, telephone=True, snr_db=30.0),
        Condition("noise 20 dB", 16_000, telephone=False, snr_db=20.0),
        Condition("noise 10 dB", 16_000, telephone=False, snr_db=10.0),
        Condition("noise 5 dB", 16_000, telephone=False, snr_db=5.0),
        # Within the band this noise is 6 dB stronger than the one above.
        Condition("8 kHz, noise 10 dB", 8_000, telephone=True, snr_db=10.0),
    )
}


@dataclass(frozen=True, slots=True)
class Sound:
    """Something that can be heard on a line, at its rate: audible from sample `first` to `last`."""

    text: str
    voice: str
    samples: Samples
    first: int
    last: int


@cache
def sound(text: str, voice: str, condition: str, level_db: float = 0.0) -> Sound:
    """`text` (or one of `COUGHS`) as it comes down the line, `level_db` above the usual level."""
    line = CONDITIONS[condition]
    said = _utterance(text, voice, line.telephone)
    step = RATE_HZ // line.rate_hz
    gain = 10 ** (level_db / 20)
    samples = np.clip(np.rint(said.samples[::step] * gain), -32768, 32767).astype("<i2")
    return Sound(text, voice, samples, said.first // step, said.last // step)


@cache
def _utterance(text: str, voice: str, telephone: bool) -> Utterance:
    said = _cough(text) if text in COUGHS else pcm(text, voice)
    return utterance(text, said, telephone=telephone)


def _cough(name: str) -> bytes:
    """A burst of noise that begins at once and dies away in a third of a second, as a cough does:
    no pitch, most of it between 400 Hz and 3 kHz."""
    chance = np.random.default_rng(random.Random(name).randrange(2**32))
    n = round(chance.uniform(0.2, 0.4) * RATE_HZ)
    noise = np.fft.rfft(chance.standard_normal(n))
    hz = np.fft.rfftfreq(n, 1 / RATE_HZ)
    noise[(hz < 400) | (hz > 3000)] *= 0.1
    burst = np.fft.irfft(noise, n) * np.exp(-np.arange(n) / (0.08 * RATE_HZ))
    made: Samples = np.rint(burst / np.abs(burst).max() * 12000).astype("<i2")
    return made.tobytes()


def lines_sound(text: str) -> bytes:
    """A line of ours as our voice speaks it, s16le at 16 kHz."""
    return pcm(text, OURS)


def kept() -> int:
    """Sounds that are kept for the next call."""
    return int(sound.cache_info().currsize + _utterance.cache_info().currsize)


def whole_sound(text: str) -> bytes:
    """The same with the pause after it, as it is played."""
    said = lines_sound(text)
    return said + bytes(pause_ms(text) * RATE_HZ // 1000 * 2) if said else b""


class Room:
    """The noise of a line, frame by frame from a place that the seed chooses, for ever."""

    def __init__(self, condition: str, seed: int) -> None:
        self.frame_samples = CONDITIONS[condition].rate_hz // 50
        self._noise = _noise(condition)
        self._bytes = 2 * self.frame_samples
        self._frames = len(self._noise) // self._bytes
        self._at = random.Random(f"room {seed}").randrange(self._frames)

    def frame(self) -> bytes:
        """The next 20 ms."""
        start = self._at % self._frames * self._bytes
        self._at += 1
        return self._noise[start : start + self._bytes]


@cache
def _noise(condition: str) -> bytes:
    """Seven seconds of it, which join without a click."""
    line = CONDITIONS[condition]
    room = Line(1, line.snr_db, telephone=line.telephone)
    whole = np.frombuffer(b"".join(room.frame() for _ in range(350)), "<i2")
    return bytes(whole[:: RATE_HZ // line.rate_hz].tobytes())
