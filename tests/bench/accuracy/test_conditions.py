import numpy as np
import pytest
from numpy.typing import NDArray

from bench.accuracy.conditions import (
    CONDITIONS,
    LEVEL,
    Condition,
    Samples,
    leveled,
    shaped_noise,
    through,
)

RATE_HZ = 16000


def tone(hz: float, seconds: float = 1.0, level: float = 3000) -> Samples:
    at = np.arange(round(RATE_HZ * seconds)) / RATE_HZ
    return np.rint(level * np.sin(2 * np.pi * hz * at)).astype(np.int16)


def rms(samples: NDArray[np.generic]) -> float:
    return float(np.sqrt(np.mean(samples.astype(float) ** 2)))


def arrived(samples: Samples, condition: Condition, seed: int = 1) -> NDArray[np.int16]:
    noise = shaped_noise([tone(500)], seed)
    pcm = through(samples, condition, noise, np.random.default_rng(seed))
    return np.frombuffer(pcm, "<i2")


@pytest.mark.parametrize("level", [20, 30000])
def test_speech_has_one_level_and_silence_around_it(level: float) -> None:
    samples = leveled(tone(500, level=level).tobytes())
    lead, tail = RATE_HZ // 10, round(RATE_HZ * 0.24)
    assert samples.size == lead + RATE_HZ + tail
    assert not samples[:lead].any()
    assert not samples[-tail:].any()
    assert rms(samples[lead:-tail]) == pytest.approx(LEVEL, rel=0.01)


def test_silence_stays_silence() -> None:
    assert not leveled(bytes(3200)).any()
    assert leveled(b"").size == round(RATE_HZ * 0.34)


def test_noise_has_the_spectrum_of_the_speech() -> None:
    noise = shaped_noise([tone(500), tone(1500)], 1)
    spectrum = np.abs(np.fft.rfft(noise))
    hz = np.fft.rfftfreq(noise.size, 1 / RATE_HZ)
    near = (abs(hz - 500) < 20) | (abs(hz - 1500) < 20)
    assert (spectrum[near] ** 2).sum() > 0.95 * (spectrum**2).sum()
    assert rms(noise) == pytest.approx(1.0)


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 5.0])
def test_noise_stands_so_far_below_speech(snr_db: float) -> None:
    silence = np.zeros(8 * RATE_HZ, np.int16)
    noise = arrived(silence, Condition("noise", snr_db=snr_db))
    assert 20 * np.log10(LEVEL / rms(noise)) == pytest.approx(snr_db, abs=0.2)


def test_the_telephone_passes_its_band_only() -> None:
    line = Condition("telephone", snr_db=80, mulaw=True, band=True)
    inside = arrived(tone(1000), line)
    assert inside.size == pytest.approx(RATE_HZ, abs=64)
    assert rms(inside) == pytest.approx(rms(tone(1000)), rel=0.03)
    assert rms(arrived(tone(100), line)) < 30
    assert rms(arrived(tone(5000), line)) < 30


def test_lost_packets_are_silence_of_20_ms() -> None:
    samples = np.full(200 * 320, 1000, np.int16)
    lost = arrived(samples, Condition("loss", snr_db=80, loss=0.05)).reshape(200, 320)
    silent = [not packet.any() for packet in lost]
    assert 4 <= sum(silent) <= 17
    assert all(packet.min() > 900 for packet, none in zip(lost, silent, strict=True) if not none)


def test_all_lines_have_names_of_their_own_and_repeat_exactly() -> None:
    assert len({condition.name for condition in CONDITIONS}) == len(CONDITIONS)
    for condition in CONDITIONS:
        first, second = (arrived(tone(700, 0.3), condition, 3) for _ in range(2))
        assert (first == second).all()
