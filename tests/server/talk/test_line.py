"""The caller's line: the telephone band, the noise under the voice, and the same for a seed."""

from __future__ import annotations

import numpy as np
import pytest

from server.talk.line import FRAME, RATE_HZ, Line, pick_voice, utterance


def tone(hz: float, seconds: float = 1.0) -> bytes:
    t = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pcm: bytes = np.rint(8000 * np.sin(2 * np.pi * hz * t)).astype("<i2").tobytes()
    return pcm


def band_db(pcm: bytes, low_hz: float, high_hz: float) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(float)
    power = np.abs(np.fft.rfft(samples * np.hanning(samples.size))) ** 2
    hz = np.fft.rfftfreq(samples.size, 1 / RATE_HZ)
    inside = power[(hz >= low_hz) & (hz <= high_hz)].sum()
    return float(10 * np.log10(inside / power.sum()))


def rms(pcm: bytes) -> float:
    return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(float) ** 2)))


def frames(line: Line, count: int) -> bytes:
    return b"".join(line.frame() for _ in range(count))


def test_what_is_outside_the_telephone_band_does_not_come_through() -> None:
    noise = frames(Line(1), 100)
    assert band_db(noise, 250, 3500) > -0.1
    low, high = (np.frombuffer(tone(hz), "<i2") for hz in (1000, 6000))
    both = (low // 2 + high // 2).astype("<i2").tobytes()
    assert band_db(utterance("x", both).samples.tobytes(), 5000, 7000) < -40


def test_the_noise_lies_as_far_below_the_voice_as_was_asked() -> None:
    line = Line(1, snr_db=20)
    line.say(utterance("x", tone(1000)))
    frames(line, 2)
    voice, noise = rms(frames(line, 48)), rms(frames(Line(1, snr_db=20), 48))
    assert 20 * np.log10(voice / noise) == pytest.approx(20, abs=1)


def test_an_utterance_knows_where_it_is_heard() -> None:
    pcm = bytes(2 * 800) + tone(1000, 0.5) + bytes(2 * 1600)
    one = utterance("x", pcm)
    assert one.first == pytest.approx(2 * FRAME + 800, abs=40)
    assert one.last == pytest.approx(2 * FRAME + 800 + RATE_HZ // 2, abs=40)
    line = Line(1)
    frames(line, 3)
    assert line.say(one) == 3 * FRAME
    speaking = [line.speaking]
    frames(line, 40)
    assert [*speaking, line.speaking] == [True, False]


def test_silence_is_no_utterance() -> None:
    with pytest.raises(ValueError, match="needs words"):
        utterance("…", bytes(640))


def test_a_seed_is_a_room_and_a_voice() -> None:
    assert frames(Line(5), 20) == frames(Line(5), 20)
    assert frames(Line(5), 20) != frames(Line(6), 20)
    names = ("fr+m1", "fr+f2")
    assert pick_voice(names, 5) == pick_voice(names, 5)
    assert len({pick_voice(names, seed) for seed in range(9)}) > 4
    assert str(pick_voice(("fr",), 1)).startswith("fr, 1")
