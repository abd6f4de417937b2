"""Lines between a voice and the recogniser: telephone, noise, lost packets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.audio.resample import RATE_HZ, StreamResampler
from telephony.g711 import mulaw

__all__ = ["CONDITIONS", "Condition", "Samples", "leveled", "shaped_noise", "through"]

Samples = NDArray[np.int16]

LEVEL = 10 ** (-26 / 20) * 32768
"""Speech at -26 dB of full scale (RMS), the telephone network's nominal level (ITU-T P.56)."""
LEAD_S, TAIL_S = 0.1, 0.24
"""What the gate gives before the first sound, and the endpoint's silence after the last."""
FRAME = RATE_HZ // 50
"""20 ms, a packet (RFC 3551: the default of G.711)."""
NOISE_S = 8


@dataclass(frozen=True, slots=True)
class Condition:
    """`snr_db` is speech over noise (50 dB is a quiet studio); `mulaw` is G.711 at 8 kHz, as SIP
    carries it, `band` what an analogue telephone leaves of the sound before that; `loss` is the
    share of packets of 20 ms that do not arrive, and are silence."""

    name: str
    snr_db: float = 50.0
    mulaw: bool = False
    band: bool = False
    loss: float = 0.0


CONDITIONS = (
    Condition("clean 16 kHz"),
    Condition("µ-law 8 kHz", mulaw=True),
    Condition("µ-law, 300 to 3400 Hz", mulaw=True, band=True),
    Condition("noise 20 dB", snr_db=20.0),
    Condition("noise 10 dB", snr_db=10.0),
    Condition("noise 5 dB", snr_db=5.0),
    Condition("loss 2 %", mulaw=True, band=True, loss=0.02),
    Condition("loss 5 %", mulaw=True, band=True, loss=0.05),
)


def leveled(pcm: bytes) -> Samples:
    """Speech, s16le at 16 kHz, at `LEVEL`, with the silence of `LEAD_S` and `TAIL_S` around it."""
    sound = np.frombuffer(pcm, "<i2").astype(np.float64)
    rms = float(np.sqrt(np.mean(sound**2))) if sound.size else 0.0
    if rms:
        sound *= LEVEL / rms
    lead, tail = (np.zeros(round(RATE_HZ * seconds)) for seconds in (LEAD_S, TAIL_S))
    whole = np.concatenate([lead, np.clip(sound, -32768, 32767), tail])
    return whole.astype(np.int16)


def shaped_noise(speech: Sequence[Samples], seed: int) -> NDArray[np.float64]:
    """`NOISE_S` of noise with the spectrum of `speech` and random phases, of RMS 1: what many
    people at once sound like (ITU-T P.50 shapes its noise the same way)."""
    size = NOISE_S * RATE_HZ
    power = np.zeros(size // 2 + 1)
    for samples in speech:
        power += np.abs(np.fft.rfft(samples[:size], size)) ** 2
    phases = np.exp(2j * np.pi * np.random.default_rng(seed).random(power.size))
    noise: NDArray[np.float64] = np.fft.irfft(np.sqrt(power) * phases, size)
    rms = float(np.sqrt(np.mean(noise**2)))
    return noise / rms if rms else noise


def through(
    samples: Samples, condition: Condition, noise: NDArray[np.float64], chance: np.random.Generator
) -> bytes:
    """What arrives of `samples` over the line, s16le at 16 kHz, as the engine makes it of a call's
    own rate."""
    start = int(chance.integers(noise.size))
    level = LEVEL * 10 ** (-condition.snr_db / 20)
    around = np.resize(np.roll(noise, -start), samples.size) * level
    noisy = np.clip(np.rint(samples + around), -32768, 32767).astype("<i2")
    if condition.mulaw:
        sent = _band(noisy) if condition.band else noisy
        pcm = StreamResampler(RATE_HZ, 8000).feed(sent.tobytes(), last=True)
        coded = mulaw(np.frombuffer(pcm, "<i2")).astype("<i2").copy()
        _lose(coded, condition.loss, FRAME // 2, chance)
        return StreamResampler(8000, RATE_HZ).feed(coded.tobytes(), last=True)
    _lose(noisy, condition.loss, FRAME, chance)
    return noisy.tobytes()


def _band(samples: NDArray[np.int16]) -> NDArray[np.int16]:
    """300 to 3400 Hz, the band of the telephone (ITU-T G.712), and nothing at all beside it, which
    is harder than any real one."""
    spectrum = np.fft.rfft(samples.astype(np.float64))
    hz = np.fft.rfftfreq(samples.size, 1 / RATE_HZ)
    spectrum[(hz < 300) | (hz > 3400)] = 0
    passed = np.fft.irfft(spectrum, samples.size)
    return np.clip(np.rint(passed), -32768, 32767).astype("<i2")


def _lose(
    samples: NDArray[np.int16], share: float, frame: int, chance: np.random.Generator
) -> None:
    if share:
        for start in range(0, samples.size, frame):
            if chance.random() < share:
                samples[start : start + frame] = 0
