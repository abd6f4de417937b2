"""A second synthesiser, whose every property is drawn by chance: phones as resonances and noise.

A network that has heard only espeak-ng learns how espeak-ng says an /a/. Here each call has its own
speaker: other targets for every phone, other transitions, glottis, frication and melody, around
values from phonetics' textbooks. It need not sound well; what all these speakers have in common is
what makes a phone that phone, and that is what is left to learn.

Speech is excitation (pulses and noise) whose short-time spectrum is multiplied by that of a vocal
tract, every 5 ms.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipelines.speech.kaldi.phones import PHONES
from pipelines.speech.training.calls import RATE_HZ, Call

__all__ = ["respoken"]

Floats = NDArray[np.float32]

_HOP = 80
_WINDOW = 320
_FFT = 512
_HZ = np.arange(_FFT // 2 + 1, dtype=np.float32) * np.float32(RATE_HZ / _FFT)


@dataclass(frozen=True, slots=True)
class Phone:
    """Targets of an adult man: resonances in Hz, levels in dB (-99 is silent), and how much the
    formants of a neighbour may pull (`weight`, of 1)."""

    formants: tuple[float, float, float]
    voice_db: float = 0.0
    noise_db: float = -99.0
    noise_hz: tuple[float, float] = (3000.0, 3000.0)
    """Centre and width of the frication."""
    nasal: float = 0.0
    weight: float = 1.0
    stop: bool = False
    spread: float = 1.0
    """How much more than others it differs between speakers."""


def _vowel(f1: float, f2: float, f3: float, level_db: float = 0.0, nasal: float = 0.0) -> Phone:
    return Phone((f1, f2, f3), level_db, nasal=nasal)


_TARGETS = {
    "SIL": Phone((480, 1450, 2450), -99, weight=0.05),
    "a": _vowel(690, 1430, 2500), "E": _vowel(550, 1800, 2550), "e": _vowel(380, 2050, 2700, -2),
    "i": _vowel(290, 2200, 3000, -4), "o": _vowel(390, 800, 2400, -2), "O": _vowel(550, 1080, 2450),
    "u": _vowel(310, 770, 2250, -4), "y": _vowel(290, 1850, 2250, -4),
    "2": _vowel(390, 1430, 2250, -2), "9": _vowel(540, 1430, 2400),
    "@": _vowel(460, 1450, 2400, -4),
    "A~": _vowel(600, 980, 2550, -2, 0.8), "O~": _vowel(430, 780, 2500, -2, 0.8),
    "E~": _vowel(610, 1420, 2500, -2, 0.8),
    "j": Phone((280, 2200, 2950), -10, weight=0.7), "w": Phone((310, 760, 2250), -8, weight=0.7),
    "l": Phone((320, 1500, 2600), -10, nasal=0.3, weight=0.5),
    "R": Phone((480, 1200, 2350), -16, -24, (1600, 1800), weight=0.35, spread=2.5),
    "m": Phone((260, 1050, 2200), -9, nasal=1.0, weight=0.3),
    "n": Phone((260, 1550, 2550), -9, nasal=1.0, weight=0.3),
    "J": Phone((270, 2000, 2750), -9, nasal=1.0, weight=0.5),
    "p": Phone((300, 900, 2200), -99, -32, (900, 1200), weight=0.3, stop=True),
    "b": Phone((270, 900, 2200), -20, -33, (900, 1200), weight=0.3, stop=True),
    "t": Phone((300, 1750, 2700), -99, -20, (4300, 2500), weight=0.4, stop=True),
    "d": Phone((270, 1700, 2700), -20, -24, (4000, 2500), weight=0.4, stop=True),
    "k": Phone((300, 1800, 2300), -99, -21, (2000, 1000), weight=0.25, stop=True),
    "g": Phone((270, 1800, 2300), -20, -26, (2000, 1000), weight=0.25, stop=True),
    "f": Phone((330, 1050, 2250), -99, -22, (5500, 6000), weight=0.3),
    "v": Phone((300, 1050, 2250), -18, -29, (5000, 6000), weight=0.3),
    "s": Phone((330, 1700, 2650), -99, -8, (6000, 1800), weight=0.4),
    "z": Phone((290, 1700, 2650), -17, -14, (6000, 1800), weight=0.4),
    "S": Phone((330, 1850, 2450), -99, -7, (3200, 1400), weight=0.4),
    "Z": Phone((290, 1850, 2450), -17, -13, (3200, 1400), weight=0.4),
}  # fmt: skip


@cache
def _tables(language: str) -> tuple[Floats, ...]:
    """The columns of `_TARGETS` in the order of the classes."""
    phones = [_TARGETS[name] for name in PHONES[language]]

    def column(values: list[object]) -> Floats:
        return np.array(values, np.float32)

    return (
        column([phone.formants for phone in phones]),
        column([phone.voice_db for phone in phones]),
        column([phone.noise_db for phone in phones]),
        column([phone.noise_hz for phone in phones]),
        column([phone.nasal for phone in phones]),
        column([phone.weight for phone in phones]),
        column([phone.stop for phone in phones]),
        column([phone.spread for phone in phones]),
    )


def respoken(call: Call, chance: np.random.Generator, language: str = "fr") -> Call:
    """What is said in `call`, in other durations, by a speaker drawn by chance."""
    segments = _retimed(call, chance)
    steps = int(segments[-1, 1]) // _HOP
    tracks = _tracks(segments[:-1], steps, chance, language)
    tract = _tract(tracks, chance)
    voiced = _shaped(_pulses(tracks.pitch_hz, tracks.voice, chance), tract * _glottis(chance))
    noise = chance.standard_normal(steps * _HOP, dtype=np.float32)
    breath = np.float32(10 ** (chance.uniform(-45, -22) / 20))
    peaks = tract / (tract.max(axis=1, keepdims=True) + np.float32(1e-6))
    colour = tracks.frication + breath * tracks.voice[:, None] * peaks
    sound = voiced + _shaped(noise, colour.astype(np.float32))
    sound *= np.float32(6000 / (np.sqrt(np.mean(sound**2)) + 1e-6))
    return Call(np.clip(sound, -32768, 32767).astype(np.int16), segments[:-1])


@dataclass(frozen=True, slots=True)
class _Tracks:
    """Parameters every 5 ms."""

    formants: Floats
    """[steps, 3], Hz"""
    voice: Floats
    nasal: Floats
    frication: Floats
    """[steps, bins], amplitude"""
    pitch_hz: Floats
    scale: float
    """Formants over a man's."""


def _retimed(call: Call, chance: np.random.Generator) -> NDArray[np.int32]:
    """The segments in new lengths, and the end as a last one."""
    starts = np.append(call.segments[:, 1], len(call.samples))
    lengths = np.diff(starts) * np.exp(chance.normal(0, 0.12))
    lengths = lengths * np.exp(chance.normal(0, chance.uniform(0.05, 0.4), len(lengths)))
    lengths = np.maximum(lengths, 0.02 * RATE_HZ)
    classes = np.append(call.segments[:, 0], 0)
    at = np.concatenate([[0], np.cumsum(lengths)])
    return np.stack([classes, at.astype(np.int64)], axis=1).astype(np.int32)


def _smooth(track: Floats, steps: float) -> Floats:
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(track, steps, axis=0, mode="nearest"), np.float32)


def _wandering(steps: int, deviation: float, every: int, chance: np.random.Generator) -> Floats:
    """A smooth random track [steps] around 0."""
    knots = chance.normal(0, deviation, steps // every + 3)
    return np.interp(np.arange(steps) / every, np.arange(len(knots)), knots).astype(np.float32)


def _tracks(
    segments: NDArray[np.int32], steps: int, chance: np.random.Generator, language: str
) -> _Tracks:
    formants, voice_db, noise_db, noise_hz, nasal, weight, stop, spread = _tables(language)
    kinds = len(formants)
    high = chance.random() < 0.5
    scale = float(chance.uniform(1.0, 1.3) if high else chance.uniform(0.85, 1.08))
    # The speaker's own targets, and each time a little beside them.
    accent = np.exp(chance.normal(0, 0.08, (kinds, 3))).astype(np.float32)
    tokens = np.exp(chance.normal(0, 0.05, (len(segments), 3))).astype(np.float32)
    voice_db = (voice_db + spread * chance.normal(0, 2.5, kinds)).astype(np.float32)
    levels = spread * chance.normal(0, 4, kinds) + chance.normal(-6, 3.5)
    noise_db = (noise_db + levels).astype(np.float32)
    noise_hz = noise_hz * np.exp(chance.normal(0, (0.13, 0.35), (kinds, 2))).astype(np.float32)
    noise_hz = noise_hz * np.float32(scale**0.6)
    nasal = nasal * np.float32(chance.uniform(0.5, 1.2))

    classes = segments[:, 0]
    first = np.minimum(segments[:, 1] // _HOP, steps - 1)
    owner = np.searchsorted(first, np.arange(steps), side="right") - 1
    kind = classes[owner]

    pull = weight[kind] ** float(chance.uniform(0.6, 1.5))
    width = float(chance.uniform(3, 9))  # 15 to 45 ms
    targets = (formants * accent)[kind] * tokens[owner] * np.float32(scale)
    blended = _smooth(targets * pull[:, None], width) / _smooth(pull, width)[:, None]

    loud = np.exp(chance.normal(0, 0.25, len(segments)))[owner]
    voiced = 10 ** (voice_db[kind] / 20) * loud * (voice_db[kind] > -60)
    rough = 10 ** (noise_db[kind] / 20) * loud * (noise_db[kind] > -60)
    closed, burst = _stops(first, owner, kind, stop, steps, chance)
    rough = np.where(stop[kind] > 0, rough * burst, rough)
    voiced = np.where(closed & (voice_db[kind] > -60), voiced * chance.uniform(0, 1.2), voiced)
    trill = 1 + (kind == _index(language, "R")) * chance.uniform(0, 0.9) * np.sin(
        2 * np.pi * 0.13 * np.arange(steps)  # about 26 Hz
    )
    edge = float(chance.uniform(0.8, 2.2))
    voice = _smooth((voiced * trill).astype(np.float32), edge)
    noise = _smooth(rough.astype(np.float32), edge / 2)

    centre, breadth = noise_hz[kind, 0], noise_hz[kind, 1]
    shape = np.exp(-0.5 * ((_HZ[None] - centre[:, None]) / (0.7 * breadth[:, None])) ** 2)
    shape = (shape + chance.uniform(0.03, 0.2)).astype(np.float32)
    pitch = chance.uniform(130, 300) if high else chance.uniform(70, 160)
    melody = _wandering(steps, 0.13, 60, chance) + _wandering(steps, 0.04, 12, chance)
    return _Tracks(
        blended,
        voice,
        _smooth(nasal[kind].astype(np.float32), float(chance.uniform(2, 7))),
        noise[:, None] * shape,
        (pitch * np.exp(melody)).astype(np.float32),
        scale,
    )


@cache
def _index(language: str, phone: str) -> int:
    return PHONES[language].index(phone) if phone in PHONES[language] else -1


def _stops(
    first: NDArray[np.int32],
    owner: NDArray[np.intp],
    kind: NDArray[np.int32],
    stop: Floats,
    steps: int,
    chance: np.random.Generator,
) -> tuple[NDArray[np.bool_], Floats]:
    """Where stops are closed, and the level of what follows: a burst that dies away."""
    ends = np.append(first[1:], steps)
    length = np.maximum(ends - first, 1)[owner]
    within = (np.arange(steps) - first[owner]) / length
    release = np.float32(chance.uniform(0.45, 0.8))
    after = within - release
    burst = np.where(after >= 0, np.exp(-after * length / chance.uniform(1.5, 5)), 0)
    return (stop[kind] > 0) & (after < 0), (burst * chance.uniform(0.7, 2)).astype(np.float32)


def _tract(tracks: _Tracks, chance: np.random.Generator) -> Floats:
    """Amplitudes [steps, bins] of the vocal tract: five resonances, and the nose's."""
    steps = len(tracks.formants)
    upper = np.array([3500, 4500, 5600, 6800]) * tracks.scale * np.exp(chance.normal(0, 0.05, 4))
    centres = [tracks.formants[:, index] for index in range(3)]
    centres += [np.full(steps, hz, np.float32) for hz in upper]
    widths = np.array([70, 95, 140, 220, 300, 400, 500]) * np.exp(chance.normal(0.1, 0.3, 7))
    open_nose = tracks.nasal
    power = np.ones((steps, len(_HZ)), np.float32)
    for index, (centre, width) in enumerate(zip(centres, widths, strict=True)):
        broad = width * (1 + open_nose) if index < 3 else np.full(steps, width)
        power *= _resonance(centre, broad.astype(np.float32))
    # The nose: a resonance near 270 Hz, and one taken away that differs by phone and speaker.
    murmur = np.float32(270 * chance.normal(1, 0.12))
    hole = np.float32(chance.uniform(450, 1300))
    some = np.full(steps, 1.0, np.float32)
    nose = _resonance(some * murmur, some * 120) / _resonance(some * hole, some * 140)
    power *= nose ** np.minimum(open_nose, 1.0)[:, None]
    # Real spectra have no such deep valleys, nor do they fall without end.
    shallow = np.float32(10 ** (-chance.uniform(20, 45) / 10))
    fall = 1 / (1 + (_HZ / np.float32(chance.uniform(1500, 8000))) ** 2)
    power += shallow * power.max(axis=1, keepdims=True) * fall
    return np.sqrt(power)


def _resonance(centre: Floats, width: Floats) -> Floats:
    """Power of a two-pole resonator over frequency, 1 at 0 Hz."""
    half = (width / 2)[:, None] ** 2
    centre = centre[:, None]
    peak = (centre**2 + half) ** 2
    return np.asarray(peak / (((_HZ - centre) ** 2 + half) * ((_HZ + centre) ** 2 + half)))


def _glottis(chance: np.random.Generator) -> Floats:
    """The source's fall over frequency, with the lips' rise in it: about 6 dB an octave above the
    voice's first harmonics, less from some thousand Hz on."""
    corner = chance.uniform(80, 350)
    slope = chance.uniform(0.6, 1.1)
    level = chance.uniform(1000, 4000)
    fall = (1 + (_HZ / corner) ** 2) ** (-slope / 2)
    return np.asarray(fall * np.sqrt(1 + (_HZ / level) ** 2), np.float32)


def _pulses(pitch_hz: Floats, level: Floats, chance: np.random.Generator) -> Floats:
    """One pulse each period, with jitter and shimmer."""
    count = len(pitch_hz) * _HOP
    at = np.arange(count) / _HOP
    hz = np.interp(at, np.arange(len(pitch_hz)), pitch_hz)
    phase = np.cumsum(hz / RATE_HZ)
    periods = np.floor(phase)
    starts = np.flatnonzero(np.diff(periods, prepend=-1) > 0)
    jitter = chance.normal(0, chance.uniform(0, 0.015), len(starts)) * RATE_HZ / hz[starts]
    starts = np.clip(starts + np.round(jitter).astype(int), 0, count - 1)
    sound = np.zeros(count, np.float32)
    shimmer = np.exp(chance.normal(0, chance.uniform(0.01, 0.15), len(starts)))
    loud = np.interp(starts / _HOP, np.arange(len(level)), level)
    sound[starts] = loud * shimmer * np.sqrt(RATE_HZ / hz[starts])
    return sound


def _shaped(sound: Floats, amplitudes: Floats) -> Floats:
    """`sound` filtered by `amplitudes` [steps, bins], overlapping windows added."""
    from scipy.fft import irfft, rfft

    steps = len(amplitudes)
    window = np.hanning(_WINDOW + 1)[:-1].astype(np.float32) / 2  # four overlap: their sum is 1
    padded = np.concatenate(
        [np.zeros(_WINDOW // 2, np.float32), sound, np.zeros(_WINDOW, np.float32)]
    )
    pieces = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP][:steps]
    margin = (_FFT - _WINDOW) // 2
    framed = np.zeros((steps, _FFT), np.float32)
    framed[:, margin : margin + _WINDOW] = pieces * window
    filtered = irfft(rfft(framed, axis=1) * amplitudes, axis=1)
    out = np.zeros((steps * _HOP + _FFT), np.float32)
    for part in range(0, _FFT, _HOP):  # hops' worth of every window at once
        piece = filtered[:, part : part + _HOP]
        target = out[part : part + steps * _HOP].reshape(steps, _HOP)
        target[:, : piece.shape[1]] += piece
    start = _FFT // 2
    return np.asarray(out[start : start + steps * _HOP], np.float32)
