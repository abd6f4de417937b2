import numpy as np
import pytest

from engine.frames import Audio
from telephony.amd.spectrum import FLOOR_DB, HOP_S, LONGEST_GAP_S, Block, Listener, share_of
from tests.telephony.amd.sounds import RATE_HZ, frames, line, silence, tone


def blocks(sound: np.ndarray, rate_hz: int = RATE_HZ, at: float = 0.0) -> list[Block]:
    listener = Listener()
    return [block for frame in frames(sound, at, rate_hz) for block in listener.feed(frame)]


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@pytest.mark.parametrize("hz", [350.0, 425.0, 437.5, 1000.0, 1999.0, 3390.0])
def test_a_tone_is_where_it_is_and_as_loud_as_it_is(rate_hz: int, hz: float) -> None:
    inner = blocks(tone(hz, seconds=0.3, level=0.1, rate_hz=rate_hz), rate_hz)
    assert len(inner) == 14
    for block in inner:
        assert block.hz == pytest.approx(hz, abs=1.0)
        assert block.tone > 0.99
        assert block.db == pytest.approx(-23.0, abs=0.5)  # 0.1 of full scale, RMS


def test_two_tones_are_two() -> None:
    for block in blocks(tone(480, 620, seconds=0.2)):
        assert {round(block.hz), round(block.other_hz)} == {480, 620}
        assert block.tone < 0.6
        assert block.pair > 0.98


def test_what_lies_outside_the_telephones_band_is_not_heard() -> None:
    assert all(b.db < -60 for b in blocks(tone(50, seconds=0.2)))
    assert all(b.db < -60 for b in blocks(tone(6000, seconds=0.2, rate_hz=16000), 16000))


def test_noise_is_no_tone() -> None:
    assert max(block.tone for block in blocks(line(silence(2), noise_db=-20))) < 0.6


def test_digital_silence_has_the_least_level() -> None:
    assert {block.db for block in blocks(silence(0.2))} == {FLOOR_DB}


def test_blocks_come_every_20_ms_whatever_the_packets() -> None:
    pcm = (tone(1000, seconds=0.2) * 32767).astype("<i2").tobytes()
    for size in (80, 320, 800):
        listener = Listener()
        found = [
            block
            for start in range(0, len(pcm), size)
            for block in listener.feed(
                Audio(pcm[start : start + size], RATE_HZ, 5 + start / 2 / RATE_HZ)
            )
        ]
        assert [block.at for block in found] == pytest.approx([5 + HOP_S * n for n in range(9)])


def test_a_gap_is_silence_and_jitter_is_none() -> None:
    listener = Listener()
    first, second, third = frames(tone(1000, seconds=0.06))
    for frame in (first, second):
        list(listener.feed(frame))
    late = Audio(third.pcm, RATE_HZ, third.at + 0.05)
    assert [block.db > -30 for block in listener.feed(late)] == [True]
    after = Audio(third.pcm, RATE_HZ, third.at + 1.0)
    gap = list(listener.feed(after))
    assert len(gap) == pytest.approx(47, abs=2)
    assert {block.db for block in gap} == {FLOOR_DB}


def test_time_that_passes_without_sound_is_silence() -> None:
    listener = Listener()
    assert not list(listener.idle(5.0))
    listener.begin(10.0)
    assert not list(listener.idle(10.05))
    waited = list(listener.idle(11.0))
    assert waited[0].at == 10.0
    assert waited[-1].at == pytest.approx(10.96, abs=0.021)
    assert not list(listener.idle(11.0))
    (frame,) = frames(tone(1000, seconds=0.02), at=11.0)
    list(listener.feed(frame))
    assert not list(listener.idle(11.06))


def test_of_a_long_hold_only_the_end_is_heard_out() -> None:
    listener = Listener()
    listener.begin(0.0)
    waited = list(listener.idle(3600.0))
    assert waited[0].at == 3600.0 - LONGEST_GAP_S
    assert len(waited) <= LONGEST_GAP_S / HOP_S


def test_another_rate_or_an_earlier_time_begins_anew() -> None:
    listener = Listener()
    for frame in frames(tone(1000, seconds=0.1)):
        list(listener.feed(frame))
    wide = [b for f in frames(tone(500, seconds=0.1, rate_hz=16000), 0.1, 16000)
            for b in listener.feed(f)]  # fmt: skip
    assert listener.rate_hz == 16000
    assert {round(block.hz) for block in wide} == {500}
    again = [b for f in frames(tone(700, seconds=0.1), 0.0) for b in listener.feed(f)]
    assert again[0].at == 0.0


def test_the_share_of_a_frequency_is_goertzels() -> None:
    samples = tone(440, 480, seconds=0.2).astype(np.float32)
    assert share_of(440, samples, RATE_HZ) == pytest.approx(0.5, abs=0.01)
    assert share_of(480, samples, RATE_HZ) == pytest.approx(0.5, abs=0.01)
    assert share_of(425, samples, RATE_HZ) < 0.02
    assert share_of(440, np.zeros(1600, np.float32), RATE_HZ) == 0.0
    # The recursion itself (Goertzel 1958), over the same window.
    window = np.sin(np.pi * (np.arange(1600) + 0.5) / 1600) ** 2
    weighted = samples * window
    turn = 2 * np.cos(2 * np.pi * 440 / RATE_HZ)
    last = before = 0.0
    for sample in weighted:
        last, before = float(sample) + turn * last - before, last
    power = last**2 + before**2 - turn * last * before
    expected = 2 * power / window.sum() ** 2 * (window**2).sum() / (weighted**2).sum()
    assert share_of(440, samples, RATE_HZ) == pytest.approx(expected, abs=1e-3)
