"""What lies between a synthetic voice and a caller: rooms, noise, telephones, other vocal tracts.

Drawn anew for each call and each epoch, in numpy: sound first, then spectrum, then mel energies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.speech.training import features
from pipelines.speech.training.features import Floats

__all__ = ["CLEAN", "Recipe", "augmented", "telephone"]

_RATE_HZ = features.RATE_HZ


@dataclass(frozen=True, slots=True)
class Recipe:
    """How often and how strongly. Shares are 0 to 1 of the calls."""

    noise: float = 0.7
    snr_db: tuple[float, float] = (2, 38)
    """In the band of the line."""
    babble: float = 0.25
    """Of the noisy calls."""
    reverb: float = 0.3
    telephone: float = 0.5
    loss: float = 0.15
    """Of the calls by telephone: packets are lost."""
    tract: float = 0.08
    """Standard deviation of the logarithm of the vocal tract's length."""
    equaliser_db: float = 4.0
    """Standard deviation of each knot of the random smooth equaliser."""
    ripple_db: float = 0.0
    """The same of one that changes all the time."""
    masks: int = 2
    """Bands of mel bins and stretches of time that are wiped out, at most, in each call."""


CLEAN = Recipe(
    noise=0, babble=0, reverb=0, telephone=0, loss=0, tract=0, equaliser_db=0, ripple_db=0, masks=0
)


def augmented(
    samples: NDArray[np.int16],
    recipe: Recipe,
    chance: np.random.Generator,
    others: Sequence[NDArray[np.int16]] = (),
) -> Floats:
    """Log mel energies [frames, MEL_BINS] of a call; `others` are calls for a babble."""
    sound = samples.astype(np.float32)
    loud = float(np.sqrt(np.mean(sound**2))) + 1e-3
    sound *= np.float32(10 ** (chance.uniform(2.0, 3.6)) / loud)
    if chance.random() < recipe.reverb:
        sound = _in_a_room(sound, chance)
    band = _telephone_band(chance) if chance.random() < recipe.telephone else None
    if band is not None:
        sound = _filtered(sound, band)
    if chance.random() < recipe.noise:
        noise = _noise(len(sound), recipe, chance, others)
        if band is not None:
            noise = _filtered(noise, band)
        sound += _below(sound, noise, chance.uniform(*recipe.snr_db))
    if band is not None:
        sound = _mu_law(sound)
        if chance.random() < recipe.loss:
            _lose(sound, chance)
    powers = features.power(features.spectra(np.clip(sound, -32768, 32767)))
    if recipe.equaliser_db:
        knots = chance.normal(0, recipe.equaliser_db, 9)
        powers *= _curve(knots, features.BINS)
    warp = float(np.exp(chance.normal(0, recipe.tract))) if recipe.tract else 1.0
    mels = features.log_mel(powers, features.mel_filters(min(1.3, max(0.77, warp))))
    if recipe.ripple_db:
        mels += _ripple(len(mels), recipe.ripple_db, chance)
    return _masked(mels, recipe.masks, chance)


def _curve(knots_db: NDArray[np.float64], bins: int) -> Floats:
    """Powers of a smooth curve through `knots_db`, closer together at low frequencies."""
    from scipy.interpolate import CubicSpline

    at = np.linspace(0, 1, len(knots_db))
    where = np.sqrt(np.arange(bins) / (bins - 1))
    curve = CubicSpline(at, knots_db)(where)
    return np.asarray(10 ** (curve / 10), np.float32)


def _ripple(count: int, deviation_db: float, chance: np.random.Generator) -> Floats:
    """Gains [count, MEL_BINS] in nats that change over 0.1 s and over 6 bins."""
    from scipy.ndimage import zoom

    coarse = chance.normal(0, deviation_db * np.log(10) / 10, (count // 10 + 3, 8))
    fine = zoom(coarse, (10, features.MEL_BINS / 8), order=1)
    return np.asarray(fine[:count, : features.MEL_BINS], np.float32)


def _masked(mels: Floats, masks: int, chance: np.random.Generator) -> Floats:
    if not masks or not len(mels):
        return mels
    floor = mels.mean(axis=0)
    for _ in range(chance.integers(0, masks + 1)):
        width = int(chance.integers(1, 7))
        first = int(chance.integers(0, features.MEL_BINS - width))
        mels[:, first : first + width] = floor[first : first + width]
    for _ in range(chance.integers(0, masks * len(mels) // 300 + 1)):
        width = int(chance.integers(1, 10))
        first = int(chance.integers(0, max(1, len(mels) - width)))
        mels[first : first + width] = floor
    return mels


def _in_a_room(sound: Floats, chance: np.random.Generator) -> Floats:
    """Convolve with a direct sound and an exponential tail of noise."""
    from scipy.signal import oaconvolve

    decay_s = chance.uniform(0.05, 0.45)  # to a thousandth
    length = int(decay_s * _RATE_HZ)
    tail = chance.standard_normal(length) * np.exp(-6.9 * np.arange(length) / length)
    tail *= 10 ** (-chance.uniform(0, 15) / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return np.asarray(oaconvolve(sound, tail.astype(np.float32))[: len(sound)], np.float32)


def _noise(
    count: int,
    recipe: Recipe,
    chance: np.random.Generator,
    others: Sequence[NDArray[np.int16]],
) -> Floats:
    if not others or chance.random() >= recipe.babble:
        return _coloured(count, chance)
    noise = np.zeros(count, np.float32)
    for other in others:
        shifted = np.roll(np.resize(other, count), int(chance.integers(count)))
        noise += shifted * np.float32(chance.uniform(0.2, 1))
    return noise


def _below(sound: Floats, noise: Floats, snr_db: float) -> Floats:
    """`noise`, so far below `sound`."""
    speech = np.sqrt(np.mean(sound**2)) + 1e-3
    level = np.sqrt(np.mean(noise**2)) + 1e-3
    return noise * np.float32(speech / level * 10 ** (-snr_db / 20))


def _coloured(count: int, chance: np.random.Generator) -> Floats:
    """Noise with a random smooth spectrum, falling as often as not, and sometimes hum."""
    from scipy.fft import irfft, next_fast_len, rfft

    size = next_fast_len(count, real=True)
    spectrum = rfft(chance.standard_normal(size, dtype=np.float32))
    bins = len(spectrum)
    slope = chance.uniform(0, 1.2)  # amplitude over frequency: 0.5 is pink, 1 is brown
    spectrum *= (np.arange(bins) / bins + 0.003).astype(np.float32) ** np.float32(-slope)
    knots = np.interp(np.linspace(0, 1, bins), np.linspace(0, 1, 8), chance.normal(0, 5, 8))
    spectrum *= (10 ** (knots / 20)).astype(np.float32)
    noise = np.asarray(irfft(spectrum, size)[:count], np.float32)
    noise /= np.sqrt(np.mean(noise**2)) + np.float32(1e-9)
    if chance.random() < 0.2:
        time = np.arange(count, dtype=np.float32) / _RATE_HZ
        for harmonic in range(1, 5):
            noise += np.float32(chance.uniform(0, 0.7)) * np.sin(2 * np.pi * 50 * harmonic * time)
    return noise


def telephone(sound: Floats, chance: np.random.Generator) -> Floats:
    """8 kHz and mu-law (G.711), with the band's lower edge as often as not, and its upper."""
    return _mu_law(_filtered(sound, _telephone_band(chance)))


def _telephone_band(chance: np.random.Generator) -> list[Any]:
    """Filters at 8 kHz: exchanges cut steeply, handsets gently."""
    from scipy.signal import butter

    band = []
    if chance.random() < 0.6:
        edge_hz = chance.uniform(80, 340)
        band.append(butter(chance.integers(1, 5), edge_hz, "high", fs=8000, output="sos"))
    if chance.random() < 0.5:
        band.append(butter(6, chance.uniform(3200, 3700), fs=8000, output="sos"))
    return band


def _filtered(sound: Floats, band: list[Any]) -> Floats:
    """At 8 kHz and through `band`, and back to 16 kHz."""
    from scipy.signal import sosfilt
    from soxr import resample

    narrow = resample(sound, _RATE_HZ, 8000)
    for edge in band:
        narrow = sosfilt(edge, narrow)
    wide = resample(np.asarray(narrow, np.float32), 8000, _RATE_HZ)
    return np.asarray(np.resize(wide, len(sound)), np.float32)


def _mu_law(sound: Floats) -> Floats:
    """As mu-law (G.711) rounds it. `sound` has nothing above 4 kHz."""
    from soxr import resample

    narrow = resample(sound, _RATE_HZ, 8000)
    scaled = np.clip(narrow / 32768, -1, 1)
    code = np.round(np.sign(scaled) * np.log1p(255 * np.abs(scaled)) / np.log(256) * 127) / 127
    decoded = np.sign(code) * (np.exp(np.abs(code) * np.log(256)) - 1) / 255 * 32768
    wide = resample(decoded.astype(np.float32), 8000, _RATE_HZ)
    return np.asarray(np.resize(wide, len(sound)), np.float32)


def _lose(sound: Floats, chance: np.random.Generator) -> None:
    """Up to 6 % of the packets of 20 ms do not come and are silence."""
    packet = _RATE_HZ // 50
    lost = np.flatnonzero(chance.random(len(sound) // packet) < chance.uniform(0, 0.06))
    for start in lost * packet:
        sound[start : start + packet] = 0
