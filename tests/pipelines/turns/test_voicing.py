"""Voices have a pitch, coughs and noise have none."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from pipelines.turns.voicing import voiced_s

RATE_HZ = 16000

Samples = npt.NDArray[np.float64]


def _pcm(samples: Samples) -> bytes:
    return np.clip(samples, -32768, 32767).astype("<i2").tobytes()


def _noise(seconds: float, level: float, seed: int = 1) -> Samples:
    return level * np.random.default_rng(seed).standard_normal(round(seconds * RATE_HZ))


def _voice(seconds: float, pitch_hz: float) -> Samples:
    """Harmonics that fall by 6 dB an octave, whose pitch rises by a tenth."""
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * pitch_hz * (at + 0.05 * at**2 / seconds)
    harmonics = [np.sin(n * phase) / n for n in range(1, int(3500 / pitch_hz))]
    voice: Samples = 4000 * np.sum(harmonics, axis=0)
    return voice


@pytest.mark.parametrize("pitch_hz", [75.0, 120.0, 210.0, 320.0])
def test_a_voice_is_voiced_for_as_long_as_it_sounds(pitch_hz: float) -> None:
    assert voiced_s(_pcm(_voice(0.5, pitch_hz))) == pytest.approx(0.5, abs=0.07)


@pytest.mark.parametrize("pitch_hz", [75.0, 120.0, 210.0, 320.0])
def test_a_voice_is_voiced_over_noise_of_half_its_power(pitch_hz: float) -> None:
    voice = _voice(0.5, pitch_hz)
    noise = _noise(0.5, float(voice.std()) * 0.7)
    assert voiced_s(_pcm(voice + noise)) > 0.2


@pytest.mark.parametrize("seed", range(10))
def test_a_cough_is_not(seed: int) -> None:
    burst = _noise(0.4, 8000, seed) * np.exp(-np.arange(round(0.4 * RATE_HZ)) / (0.08 * RATE_HZ))
    assert voiced_s(_pcm(burst)) == 0.0


def test_what_is_no_louder_than_the_line_does_not_count() -> None:
    voice = _voice(0.5, 120.0)
    assert voiced_s(_pcm(voice), floor=2 * float(np.sqrt(np.mean(voice**2)))) == 0.0


def test_less_than_a_frame_says_nothing() -> None:
    assert voiced_s(b"") == voiced_s(_pcm(_voice(0.06, 120.0))) == voiced_s(b"\x01") == 0.0
    assert voiced_s(bytes(32000)) == 0.0
