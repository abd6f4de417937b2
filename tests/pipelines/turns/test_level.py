"""How loud a sound is to whoever listens for a voice."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.turns.level import level

TIME_S = np.arange(320) / 16000


def tone(hz: float) -> bytes:
    """20 ms with a root mean square of 1,000."""
    wave = 1000 * np.sqrt(2) * np.sin(2 * np.pi * hz * TIME_S)
    return bytes(np.rint(wave).astype("<i2"))


@pytest.mark.parametrize("hz", [400, 1000, 3400, 7000])
def test_a_voice_counts_whole(hz: float) -> None:
    assert level(tone(hz)) == pytest.approx(1000, rel=0.12)


@pytest.mark.parametrize(("hz", "most"), [(0.1, 1), (50, 200), (100, 400)])
def test_rumble_counts_little(hz: float, most: float) -> None:
    assert level(tone(hz)) < most


def test_silence_is_nothing_however_long() -> None:
    assert level(bytes(640)) == level(b"") == level(bytes(62)) == 0.0


def test_pieces_that_are_not_whole_are_left_out() -> None:
    assert level(tone(1000) + b"\xff\x7f" * 31) == level(tone(1000))


def test_noise_of_rooms_is_steady() -> None:
    """Pink noise, as it comes in 20 ms: its root mean square wanders by twice as much."""
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(16000 * 20))
    spectrum[1:] /= np.sqrt(np.arange(1, spectrum.size))
    noise = np.fft.irfft(spectrum)
    frames = np.rint(noise / noise.std() * 1000).astype("<i2").reshape(-1, 320)
    levels = np.array([level(frame.tobytes()) for frame in frames])
    means = np.sqrt(np.square(frames.astype(float)).mean(axis=1))
    highest, highest_mean = (
        float(np.quantile(seen, 0.99) / np.median(seen)) for seen in (levels, means)
    )
    assert highest < 1.25
    assert highest_mean > 1.6
