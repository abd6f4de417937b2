"""Comfort noise: quiet, even, and only where nothing else is heard."""

import asyncio

import numpy as np
import pytest

from engine.channel import Capabilities
from engine.clock import LoopClock
from pipelines.audio.comfort import LEVEL_DBFS, LOOP_S, ComfortNoise, noise
from pipelines.audio.playout import Playout
from pipelines.audio.ticker import Ticker
from tests.fakes import FakeAudioChannel
from tests.virtual import virtual

RATES_HZ = (8000, 16000, 24000, 48000)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_its_level_and_its_length(rate_hz: int) -> None:
    samples = np.frombuffer(noise(rate_hz), "<i2").astype(float)
    assert samples.size == LOOP_S * rate_hz
    assert samples.size % (rate_hz // 50) == 0
    rms_dbfs = 10 * np.log10(np.square(samples / 32768).mean())
    assert rms_dbfs == pytest.approx(LEVEL_DBFS, abs=0.1)
    assert np.abs(samples).max() < 32768 * 10 ** (-48 / 20)


def test_it_falls_with_frequency_as_a_room_does() -> None:
    spectrum = np.abs(np.fft.rfft(np.frombuffer(noise(16000), "<i2").astype(float))) ** 2

    def octave_db(hz: int) -> float:
        low, high = (round(at * LOOP_S) for at in (hz, 2 * hz))
        return float(10 * np.log10(spectrum[low:high].mean()))

    falls = [octave_db(hz) - octave_db(2 * hz) for hz in (125, 250, 500, 1000, 2000)]
    assert falls == [pytest.approx(5, abs=1.0)] * 5


def test_it_goes_round_without_a_click() -> None:
    samples = np.frombuffer(noise(16000), "<i2").astype(float)
    steps = np.abs(np.diff(np.append(samples, samples[0])))
    assert steps[-1] <= steps.max()


@virtual
async def test_it_is_heard_while_nothing_plays() -> None:
    clock = LoopClock()
    ticker = Ticker(clock)
    channel = FakeAudioChannel(Capabilities(rate_hz=8000, comfort_noise=True))
    playout = Playout(channel, 8000, ticker, lambda name, at: None)
    comfort = ComfortNoise(channel, playout, ticker)
    comfort.start()
    await asyncio.sleep(0.1)
    assert channel.played == noise(8000)[:1600]
    voice = b"\1\1" * 160
    playout.begin(1)
    playout.write(1, voice * 5, clock.now())
    await asyncio.sleep(0.1)
    assert channel.played[1600:] == voice * 5
    playout.end(1, clock.now())
    playout.finish()
    await asyncio.sleep(0.1)
    assert channel.played[3200:] == noise(8000)[1600:3200]
    assert comfort.sent_ms == 200
    comfort.stop()
    assert len(ticker) == 0


@pytest.mark.parametrize("clear", [True, False])
@virtual
async def test_it_is_heard_while_the_user_speaks_but_not_in_the_pause_of_a_turn(
    clear: bool,
) -> None:
    clock = LoopClock()
    ticker = Ticker(clock)
    channel = FakeAudioChannel(Capabilities(rate_hz=8000, comfort_noise=True, clear=clear))
    playout = Playout(channel, 8000, ticker, lambda name, at: None)
    comfort = ComfortNoise(channel, playout, ticker)
    comfort.start()
    playout.hold(clock.now())
    await asyncio.sleep(0.1)
    assert channel.played == noise(8000)[:1600]
    playout.release(clock.now())
    playout.begin(1)
    playout.write(1, b"\1\1" * 1600, clock.now())
    playout.hold(clock.now())
    sent = len(channel.played)
    await asyncio.sleep(0.1)
    assert len(channel.played) == sent
    playout.clear(clock.now())
    await asyncio.sleep(0.1)
    assert channel.played[sent:] == noise(8000)[1600:3200]
    comfort.stop()


@virtual
async def test_speech_is_due_after_the_noise_that_is_still_heard() -> None:
    clock = LoopClock()
    ticker = Ticker(clock)
    channel = FakeAudioChannel(Capabilities(rate_hz=8000))
    playout = Playout(channel, 8000, ticker, lambda name, at: None)
    comfort = ComfortNoise(channel, playout, ticker)
    comfort.tick(clock.now())
    await asyncio.sleep(0.005)
    playout.begin(1)
    playout.write(1, b"\1\1" * 800, clock.now())
    assert playout.played_ms(clock.now() + 0.015) == pytest.approx(0, abs=1e-6)
    await asyncio.sleep(0.035)
    assert playout.played_ms(clock.now()) == pytest.approx(20)
    playout.finish()


@virtual
async def test_it_goes_round() -> None:
    clock = LoopClock()
    ticker = Ticker(clock)
    channel = FakeAudioChannel(Capabilities(rate_hz=8000))
    comfort = ComfortNoise(channel, Playout(channel, 8000, ticker, lambda *_: None), ticker)
    for _ in range(round(LOOP_S * 50) + 1):
        comfort.tick(clock.now())
    assert channel.played == noise(8000) + noise(8000)[:320]
