from math import ceil
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.audio.polyphase import Polyphase, small_ratio

RATIOS = [(8000, 16000), (16000, 8000), (24000, 16000), (16000, 24000), (48000, 16000),
          (16000, 48000)]  # fmt: skip


def level_db(from_hz: int, to_hz: int, hz: float) -> float:
    """What comes out of a full tone of `hz`."""
    tone = 30000 * np.sin(2 * np.pi * hz * np.arange(from_hz) / from_hz)
    out = Polyphase(from_hz, to_hz).feed(tone.astype("<i2").tobytes(), last=True)
    inner = np.frombuffer(out, "<i2").astype(float)[to_hz // 10 : -to_hz // 10]
    return float(20 * np.log10(inner.std() / (30000 / 2**0.5) + 1e-9))


@pytest.mark.parametrize(("from_hz", "to_hz"), RATIOS)
def test_what_is_heard_passes(from_hz: int, to_hz: int) -> None:
    lower = min(from_hz, to_hz)
    for hz in (50, 300, 1000, 0.425 * lower):  # 3.4 kHz of 8 kHz
        assert level_db(from_hz, to_hz, hz) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize(("from_hz", "to_hz"), [pair for pair in RATIOS if pair[0] > pair[1]])
def test_what_would_fold_back_is_stopped(from_hz: int, to_hz: int) -> None:
    for share in (0.515, 0.6, 0.65):
        assert level_db(from_hz, to_hz, share * to_hz) < -60


@pytest.mark.parametrize(("from_hz", "to_hz"), RATIOS)
def test_no_more_than_its_filter_is_held_back(from_hz: int, to_hz: int) -> None:
    stream = Polyphase(from_hz, to_hz)
    taken = given = 0
    for _ in range(20):
        given += len(stream.feed(bytes(from_hz // 50 * 2))) // 2
        taken += from_hz // 50
        assert 0 < taken / from_hz - given / to_hz <= 0.0031


@given(st.sampled_from(RATIOS), st.lists(st.integers(0, 400), max_size=8), st.randoms())
def test_the_pieces_do_not_matter(ratio: tuple[int, int], sizes: list[int], random: Random) -> None:
    samples = np.array([random.randint(-32768, 32767) for _ in range(sum(sizes))], "<i2")
    whole = Polyphase(*ratio).feed(samples.tobytes(), last=True)
    assert len(whole) // 2 == ceil(len(samples) * ratio[1] / ratio[0])
    stream, at, parts = Polyphase(*ratio), 0, b""
    for size in sizes:
        parts += stream.feed(samples[at : at + size].tobytes())
        at += size
    parts += stream.feed(b"", last=True)
    assert len(parts) == len(whole)
    difference = np.frombuffer(parts, "<i2").astype(int) - np.frombuffer(whole, "<i2")
    assert np.abs(difference, out=difference).max(initial=0) <= 1  # of the sum's order


def test_the_loudest_sound_is_clipped_and_does_not_wrap() -> None:
    square = np.repeat(np.array([32767, -32768] * 50, "<i2"), 40)
    out = np.frombuffer(Polyphase(8000, 16000).feed(square.tobytes(), last=True), "<i2")
    assert out.max() == 32767
    assert out.min() == -32768
    assert (np.abs(np.diff(out.astype(int))) < 50000).all()


def test_which_ratios_are_small() -> None:
    assert all(small_ratio(*ratio) for ratio in RATIOS)
    assert not small_ratio(22050, 16000)
    assert not small_ratio(44100, 16000)
