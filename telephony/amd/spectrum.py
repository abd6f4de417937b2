"""What each 20 ms of a line hold: level, and how much of it is a tone.

Windows of 40 ms every 20 ms, weighted after Hann: bins of 25 Hz at any rate, and a tone's energy
within two of them on either side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from engine.frames import Audio

__all__ = ["FLOOR_DB", "HIGH_HZ", "HOP_S", "LOW_HZ", "Block", "Listener", "share_of"]

HOP_S = 0.02
WINDOW_HOPS = 2
BIN_HZ = 1 / (WINDOW_HOPS * HOP_S)
LOW_HZ, HIGH_HZ = 300.0, 3400.0
"""The band of the telephone (ITU-T G.712)."""
FLOOR_DB = -100.0
"""Of digital silence, and of a line on which nothing comes."""
LOBE = 2
"""Bins on either side within which a tone's energy lies: the main lobe of the Hann window."""
GAP_S = 0.06
"""Sound that is missing for longer is silence: a telephone that sends nothing. Less is jitter."""
LONGEST_GAP_S = 30.0
"""Of a longer one only so much is heard out: nothing is told apart by more."""
KEPT_S = 0.2
"""Sound that is kept, to name a tone by: it tells 10 Hz."""

Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Block:
    """20 ms from `at` on.

    `db` is the level within the telephone's band, relative to full scale (RMS). `tone` is how much
    of that (0 to 1) lies in the strongest tone, at `hz`; `pair` in the two strongest, the second at
    `other_hz`.
    """

    at: float
    db: float = FLOOR_DB
    tone: float = 0.0
    hz: float = 0.0
    pair: float = 0.0
    other_hz: float = 0.0


class Listener:
    """Makes blocks of sound, at 8 or 16 kHz (or any rate of which 20 ms are whole samples).

    Sound that changes its rate, or jumps back in time, begins anew.
    """

    __slots__ = ("_at", "_hop", "_rate_hz", "_rest", "recent")

    def __init__(self) -> None:
        self._rate_hz = 0
        self._hop = 0
        self._rest = np.zeros(0, np.float32)
        self._at: float | None = None
        self.recent: Samples = np.zeros(0, np.float32)
        """The last `KEPT_S` of sound, from -1 to 1."""

    @property
    def rate_hz(self) -> int:
        return self._rate_hz

    def begin(self, at: float) -> None:
        """Time counts from `at` on, though there may be no sound yet."""
        if self._at is None:
            self._at = at

    def feed(self, audio: Audio) -> Iterator[Block]:
        """The blocks that `audio` completes, those of a gap before it first."""
        at = audio.at if self._at is None else self._at
        if audio.rate_hz != self._rate_hz or audio.at < at - GAP_S:
            yield from self.idle(audio.at)
            self._rate_hz = audio.rate_hz
            self._hop = round(audio.rate_hz * HOP_S)
            self._forget(audio.at)
        yield from self.idle(audio.at)
        samples = np.frombuffer(audio.pcm, "<i2").astype(np.float32) / 32768.0
        self.recent = np.concatenate([self.recent, samples])[-round(KEPT_S * self._rate_hz) :]
        rest = np.concatenate([self._rest, samples])
        size = self._hop * WINDOW_HOPS
        start, at = 0, audio.at if self._at is None else self._at
        while start + size <= rest.size:
            yield _block(rest[start : start + size], self._rate_hz, at)
            start += self._hop
            at += HOP_S
        self._rest, self._at = rest[start:], at

    def idle(self, now: float) -> Iterator[Block]:
        """Time has come to `now` without sound: more than a gap is silence."""
        if self._at is None:
            return
        heard_s = self._rest.size / self._rate_hz if self._rate_hz else 0.0
        if now - self._at - heard_s <= GAP_S:
            return
        self._forget(max(self._at, now - LONGEST_GAP_S))
        at = self._at
        while at + WINDOW_HOPS * HOP_S < now:
            yield Block(at)
            at += HOP_S
            self._at = at

    def _forget(self, at: float) -> None:
        self._rest = self.recent = np.zeros(0, np.float32)
        self._at = at


@cache
def _window(size: int) -> Samples:
    window: Samples = (np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2).astype(np.float32)
    return window


def _block(samples: Samples, rate_hz: int, at: float) -> Block:
    window = _window(samples.size)
    spectrum = np.fft.rfft(samples * window)
    first, last = round(LOW_HZ / BIN_HZ), round(HIGH_HZ / BIN_HZ)
    band = spectrum[first : last + 1]
    power = band.real**2 + band.imag**2
    energy = float(power.sum())
    # Parseval, for half a spectrum and the window's own power (3/8 of its size).
    mean_square = 2 * energy / (samples.size**2 * 3 / 8)
    if mean_square < 1e-10:
        return Block(at)
    tone, hz = _strongest(power, first)
    rest_tone, other_hz = _strongest(power, first)
    db = 10 * float(np.log10(mean_square))
    return Block(at, db, tone / energy, hz, (tone + rest_tone) / energy, other_hz)


def _strongest(power: NDArray[np.floating], first: int) -> tuple[float, float]:
    """The energy and the frequency of the strongest peak, which is taken out of `power`."""
    peak = int(power.argmax())
    hz = (first + peak + _offset(power, peak)) * BIN_HZ
    lobe = power[max(0, peak - LOBE) : peak + LOBE + 1]
    energy = float(lobe.sum())
    lobe[:] = 0
    return energy, hz


def _offset(power: NDArray[np.floating], peak: int) -> float:
    """How far the tone is from the bin `peak`: exact for one alone under a Hann window."""
    below = float(power[peak - 1]) if peak > 0 else 0.0
    above = float(power[peak + 1]) if peak + 1 < power.size else 0.0
    top = float(power[peak])
    if top <= 0:
        return 0.0
    ratio = float(np.sqrt(max(below, above) / top))
    offset = (2 * ratio - 1) / (ratio + 1)
    return offset if above >= below else -offset


@cache
def _wave(hz: float, size: int, rate_hz: int) -> NDArray[np.complex64]:
    turn = np.exp(-2j * np.pi * hz / rate_hz * np.arange(size))
    wave: NDArray[np.complex64] = (turn * _window(size)).astype(np.complex64)
    return wave


def share_of(hz: float, samples: Samples, rate_hz: int) -> float:
    """How much of the energy of `samples` (0 to 1) is a tone of exactly `hz`.

    What Goertzel's recursion computes, as the product of samples and wave that it stands for:
    that is faster in an array language.
    """
    window = _window(samples.size)
    weighted = samples * window
    energy = float((weighted * weighted).sum())
    if energy <= 0:
        return 0.0
    amplitude = abs(complex((samples * _wave(hz, samples.size, rate_hz)).sum()))
    # A tone of that frequency has amplitude * 2 / sum(window), and half its square as power.
    power = 2 * (amplitude / float(window.sum())) ** 2
    return min(1.0, power * float((window * window).sum()) / energy)
