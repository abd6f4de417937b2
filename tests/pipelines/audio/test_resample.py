import numpy as np
import pytest

from engine.frames import Audio, Dtmf, Frame
from pipelines.audio.resample import RATE_HZ, Resample, StreamResampler


def tone(rate_hz: int, duration_s: float, hz: float = 440.0) -> bytes:
    t = np.arange(round(rate_hz * duration_s)) / rate_hz
    return (8000 * np.sin(2 * np.pi * hz * t)).astype("<i2").tobytes()


def cut(pcm: bytes, rate_hz: int) -> list[Audio]:
    step = rate_hz // 50 * 2
    return [
        Audio(pcm[i : i + step], rate_hz, 5.0 + i / (2 * rate_hz)) for i in range(0, len(pcm), step)
    ]


@pytest.mark.parametrize("rate_hz", [8000, 22050, 24000, 44100, 48000])
def test_a_tone_keeps_its_length_and_shape(rate_hz: int) -> None:
    resampler = StreamResampler(rate_hz, RATE_HZ)
    out = b"".join(resampler.feed(f.pcm) for f in cut(tone(rate_hz, 1.0), rate_hz))
    assert resampler.pending_s * RATE_HZ == pytest.approx(RATE_HZ - len(out) / 2)
    assert 0 < resampler.pending_s < (0.06 if rate_hz % 4000 else 0.0035)
    out += resampler.feed(b"", last=True)
    assert resampler.pending_s == 0
    assert abs(len(out) // 2 - RATE_HZ) <= 1
    got = np.frombuffer(out, "<i2")[800:15200].astype(float)
    wanted = np.frombuffer(tone(RATE_HZ, 1.0), "<i2")[800:15200].astype(float)
    assert np.abs(got - wanted).max() < 40  # the filter's delay is taken out


@pytest.mark.parametrize("rate_hz", [8000, 24000, 48000])
def test_playout_rates(rate_hz: int) -> None:
    resampler = StreamResampler(RATE_HZ, rate_hz)
    out = resampler.feed(tone(RATE_HZ, 0.5)) + resampler.feed(b"", last=True)
    assert abs(len(out) // 2 - rate_hz // 2) <= 1


def test_after_the_last_comes_a_new_stream() -> None:
    resampler = StreamResampler(8000, RATE_HZ)
    once = resampler.feed(tone(8000, 0.1), last=True)
    assert resampler.feed(tone(8000, 0.1), last=True) == once


def test_our_own_rate_is_handed_through() -> None:
    pcm = tone(RATE_HZ, 0.02)
    assert StreamResampler(RATE_HZ, RATE_HZ).feed(pcm) is pcm
    frame = Audio(pcm, RATE_HZ, 1.0)
    assert next(iter(Resample().feed(frame))) is frame
    key = Dtmf("5", 1.0)
    assert list(Resample().feed(key)) == [key]


@pytest.mark.parametrize("rate_hz", [8000, 48000])
def test_times_are_those_of_the_samples(rate_hz: int) -> None:
    transform = Resample()
    silence, click = bytes(rate_hz), np.full(rate_hz // 2, 9000, "<i2").tobytes()  # edge at 0.5 s
    out: list[Frame] = [
        got for frame in cut(silence + click, rate_hz) for got in transform.feed(frame)
    ]
    for frame in out:
        assert isinstance(frame, Audio)
        assert frame.rate_hz == RATE_HZ
        loud = np.flatnonzero(np.frombuffer(frame.pcm, "<i2") > 4500)
        if loud.size:
            assert frame.at + loud[0] / RATE_HZ == pytest.approx(5.5, abs=0.0005)
            break
    else:
        pytest.fail("the edge is gone")
    ends = [f.at + f.duration_s for f in out if isinstance(f, Audio)]
    starts = [f.at for f in out if isinstance(f, Audio)]
    assert starts[1:] == pytest.approx(ends[:-1])


@pytest.mark.parametrize("rate_hz", [8000, 24000, 48000])
def test_a_frame_of_20_ms_comes_out_as_one(rate_hz: int) -> None:
    transform = Resample()
    for index, frame in enumerate(cut(tone(rate_hz, 0.2), rate_hz)):
        (out,) = transform.feed(frame)
        assert isinstance(out, Audio)
        assert out.samples == RATE_HZ // 50
        assert out.at == pytest.approx(5.0 + index * 0.02, abs=0.0031)


def test_a_change_of_rate_begins_a_new_stream() -> None:
    transform = Resample()
    for rate_hz in (8000, 48000, 8000):
        frames = [got for f in cut(tone(rate_hz, 0.2), rate_hz) for got in transform.feed(f)]
        assert frames
        assert all(isinstance(f, Audio) and f.rate_hz == RATE_HZ for f in frames)
