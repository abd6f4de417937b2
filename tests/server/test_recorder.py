"""Recording a call, from its consent to its end."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import numpy as np

from engine.clock import LoopClock
from engine.frames import Audio
from server.recorder import Recorder
from tests.fakes import FakeAudioChannel
from tests.virtual import virtual

RATE_HZ = 16000


def pcm(value: int, ms: int) -> bytes:
    return np.full(ms * RATE_HZ // 1000, value, "<i2").tobytes()


def read(path: Path) -> tuple[list[int], list[int]]:
    """The value in the middle of each 100 ms, left and right."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, RATE_HZ)
        both = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    return both[800::1600, 0].tolist(), both[800::1600, 1].tolist()


async def said(channel: FakeAudioChannel, value: int, ms: int) -> None:
    """The person says something, in pieces of 20 ms."""
    for _ in range(ms // 20):
        at = asyncio.get_running_loop().time()
        await asyncio.sleep(0.02)
        channel.deliver(Audio(pcm(value, 20), RATE_HZ, at))


def test_both_sides_from_the_beginning_to_the_end(tmp_path: Path) -> None:
    @virtual
    async def run() -> None:
        channel = FakeAudioChannel()
        recorder = Recorder(channel, "s1", tmp_path, LoopClock())
        recorder.attach(lambda frame: None)
        await said(channel, 9, 200)  # before there is a consent
        recorder.play(pcm(9, 100))
        await asyncio.sleep(0.1)
        recorder.start()
        recorder.start()
        recorder.play(pcm(1, 400))
        await said(channel, 2, 200)
        recorder.clear(1)
        await said(channel, 3, 1800)
        recorder.stop()
        recorder.stop()
        await said(channel, 9, 200)  # after it was withdrawn
        recorder.start()
        await said(channel, 4, 100)
        await recorder.over()
        assert bytes(channel.played) == pcm(9, 100) + pcm(1, 400)

    run()
    left, right = read(tmp_path / "s1-1.wav")
    assert left == [2] * 2 + [3] * 18
    assert right == [1] * 2 + [0] * 18
    assert read(tmp_path / "s1-2.wav") == ([4], [0])
    assert len(list(tmp_path.iterdir())) == 2


def test_a_pause_is_one_on_the_record_as_well(tmp_path: Path) -> None:
    @virtual
    async def run() -> None:
        recorder = Recorder(FakeAudioChannel(), "s1", tmp_path, LoopClock())
        recorder.start()
        recorder.play(pcm(1, 300))
        await asyncio.sleep(0.1)
        recorder.pause(1)
        await asyncio.sleep(0.2)
        recorder.resume(1)
        await asyncio.sleep(0.3)
        await recorder.over()

    run()
    assert read(tmp_path / "s1-1.wav")[1] == [1, 0, 0, 1, 1, 0]


@virtual
async def test_without_a_disk_the_call_goes_on() -> None:
    channel = FakeAudioChannel()
    recorder = Recorder(channel, "s1", Path("/dev/full"), LoopClock())
    recorder.attach(lambda frame: None)
    recorder.start()
    recorder.play(pcm(1, 20))
    await said(channel, 2, 20)
    await recorder.over()
    assert bytes(channel.played) == pcm(1, 20)
