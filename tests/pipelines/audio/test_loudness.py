"""Loudness as BS.1770 means it, and voices brought to one."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.audio.loudness import _HIGH_PASS, _SHELF, CEILING, TARGET_LUFS, Level, Meter, Voice

RATE_HZ = 16000
Samples = np.ndarray[Any, Any]


def tone(hz: float, seconds: float, peak: float = 1.0) -> Samples:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (peak * np.sin(2 * np.pi * hz * t)).astype(np.float32)


def lufs(samples: Samples) -> float | None:
    meter = Meter()
    meter.feed(samples)
    return meter.lufs()


def pcm_of(samples: Samples) -> bytes:
    return np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def samples_of(pcm: bytes) -> Samples:
    return (np.frombuffer(pcm, "<i2") / 32768).astype(np.float32)


def speech(seed: int, seconds: float, rms_db: float) -> Samples:
    """Noise in syllables of a quarter of a second, with pauses: speech as a meter sees it."""
    rng = np.random.default_rng(seed)
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    envelope = np.clip(np.sin(2 * np.pi * 2 * t) + 0.3, 0, 1) * (np.sin(2 * np.pi * 0.3 * t) > -0.8)
    noise = np.convolve(rng.standard_normal(t.size), np.ones(8) / 8, "same")
    sound = noise * envelope
    louder: Samples = (sound * 10 ** (rms_db / 20) / np.sqrt(np.square(sound).mean())).astype(
        np.float32
    )
    return louder


def test_a_full_scale_sine_at_997_hz_is_minus_3_01_lufs() -> None:
    assert lufs(tone(997, 5)) == pytest.approx(-3.01, abs=0.02)  # BS.1770-4, annex 1


@pytest.mark.parametrize("hz", [60, 100, 250, 500, 1000, 2000, 3000, 5000, 7000])
def test_frequencies_count_as_they_do_through_the_filters_themselves(hz: float) -> None:
    from scipy.signal import lfilter

    t = np.arange(4 * 48000) / 48000
    filtered = np.sin(2 * np.pi * hz * t)
    for b, a in (_SHELF, _HIGH_PASS):
        filtered = lfilter(b, (1, *a), filtered)
    expected = -0.691 + 10 * np.log10(np.square(filtered[48000:]).mean())
    assert lufs(tone(hz, 4)) == pytest.approx(expected, abs=0.1)


def test_pauses_do_not_count() -> None:
    loud = tone(997, 4, 0.1)
    with_pauses = np.concatenate((loud, np.zeros(8 * RATE_HZ, np.float32), loud))
    assert lufs(with_pauses) == pytest.approx(lufs(loud) or 0, abs=0.7)


def test_silence_has_no_loudness() -> None:
    assert lufs(np.zeros(RATE_HZ, np.float32)) is None
    assert lufs(np.zeros(0, np.float32)) is None


@given(st.lists(st.integers(100, 4000), min_size=1, max_size=20))
def test_the_pieces_do_not_matter(sizes: list[int]) -> None:
    sound = speech(1, 3, -20)
    meter = Meter()
    at = 0
    while at < sound.size:
        for size in sizes:
            meter.feed(sound[at : at + size])
            at += size
    assert meter.lufs() == pytest.approx(lufs(sound), abs=1e-3)


def levelled(voice: Voice, sound: Samples, piece: int = 960) -> Samples:
    level = Level(voice)
    pcm = pcm_of(sound)
    out = b"".join(level.feed(pcm[at : at + 2 * piece]) for at in range(0, len(pcm), 2 * piece))
    assert len(out) == len(pcm)
    return samples_of(out)


@pytest.mark.parametrize("rms_db", [-42, -36, -30, -24, -18, -12])
@pytest.mark.parametrize("piece", [160, 960, 16000])
def test_voices_of_any_loudness_come_out_alike(rms_db: float, piece: int) -> None:
    voice = Voice()
    levelled(voice, speech(0, 2, rms_db), piece)
    for line in range(1, 6):
        out = lufs(levelled(voice, speech(line, 1.0 + line, rms_db + (-1) ** line), piece))
        assert out == pytest.approx(TARGET_LUFS, abs=1.0)


def test_the_first_line_of_a_voice_is_near() -> None:
    for rms_db in (-40, -10):
        assert lufs(levelled(Voice(), speech(3, 3, rms_db))) == pytest.approx(TARGET_LUFS, abs=2)


def test_a_line_keeps_its_dynamics() -> None:
    voice = Voice()
    levelled(voice, speech(0, 10, -30))
    sound = speech(1, 2, -30)
    out = levelled(voice, sound)
    frames = slice(0, sound.size // 320 * 320)
    ratio = np.sqrt(np.square(out[frames]).reshape(-1, 320).mean(1))
    before = np.sqrt(np.square(sound[frames]).reshape(-1, 320).mean(1))
    loud = before > 0.01
    gains_db = 20 * np.log10(ratio[loud] / before[loud])
    assert gains_db.max() - gains_db.min() < 3


@given(st.floats(-60, 0), st.floats(0, 40), st.integers(50, 3000))
def test_peaks_stay_below_the_ceiling(rms_db: float, crest_db: float, piece: int) -> None:
    sound = speech(5, 0.5, rms_db)
    sound[::997] *= 10 ** (crest_db / 20)
    out = levelled(Voice(), sound, piece)
    assert np.abs(out).max() <= CEILING + 1e-4


def test_a_peak_is_turned_down_not_cut() -> None:
    voice = Voice()
    levelled(voice, speech(0, 5, -30))
    sound = speech(1, 2, -30)
    sound[16000:16080] *= 12
    out = levelled(voice, sound, 32000)
    assert (np.abs(out) >= CEILING - 1e-4).sum() < 8


def test_silence_and_whispers_are_not_blown_up() -> None:
    assert not levelled(Voice(), np.zeros(1600, np.float32)).any()
    hiss = speech(1, 1, -80)
    assert np.abs(levelled(Voice(), hiss)).max() <= np.abs(hiss).max() * 1.1 + 1e-4
