"""The clock of our voice: when what is sent, and what is not."""

from __future__ import annotations

import asyncio
from itertools import pairwise

from engine.clock import LoopClock
from telephony.webrtc.track import PER_FRAME, QUIET_S, TAIL_FRAMES, PacedTrack
from tests.virtual import virtual

SOUND = b"\x01\x00" * 320
MODE = 0x48


class _Encoder:
    def encode(self, pcm: bytes) -> bytes:
        return bytes([MODE | 3, pcm[0]])


class _Rig:
    """A track, a queue of frames for it to pull, and what it sent."""

    def __init__(self) -> None:
        self.clock = LoopClock()
        self.start = self.clock.now()
        self.frames: list[bytes] = []
        self.wake = asyncio.Event()
        self.sent: list[tuple[float, bytes, int]] = []
        self.track = PacedTrack(self._pull, self.wake, _Encoder(), self.clock)

    def _pull(self) -> bytes:
        return self.frames.pop(0) if self.frames else b""

    def say(self, frames: int) -> None:
        self.frames += [SOUND] * frames
        self.wake.set()

    async def send(self) -> None:
        while True:
            packet, timestamp = await self.track.next()
            self.sent.append((round(self.clock.now() - self.start, 3), packet, timestamp))

    async def run(self, seconds: float) -> None:
        """Let the track send for so long."""
        sending = asyncio.create_task(self.send())
        await asyncio.sleep(seconds)
        sending.cancel()
        await asyncio.wait({sending})

    @property
    def said(self) -> list[tuple[float, int]]:
        return [(at, timestamp) for at, packet, timestamp in self.sent if packet[1:] == b"\x01"]


@virtual
async def test_nothing_is_sent_before_the_first_word() -> None:
    rig = _Rig()
    await rig.run(3.0)
    assert rig.sent == []


@virtual
async def test_a_frame_every_20_ms_of_which_each_has_its_timestamp() -> None:
    rig = _Rig()
    rig.say(5)
    await rig.run(0.1)
    assert rig.said == [(round(n * 0.02, 3), n * PER_FRAME) for n in range(5)]


@virtual
async def test_what_is_said_after_a_silence_is_sent_at_once() -> None:
    rig = _Rig()
    sending = asyncio.create_task(rig.send())
    await asyncio.sleep(1.235)
    rig.say(2)
    await asyncio.sleep(0.1)
    sending.cancel()
    await asyncio.wait({sending})
    (first, stamp), (second, next_stamp) = rig.said
    assert (first, second) == (1.235, 1.255)
    assert stamp == round(1.235 * 48000)
    assert next_stamp == stamp + PER_FRAME


@virtual
async def test_a_tail_of_silence_then_a_sign_of_life_each_400_ms() -> None:
    rig = _Rig()
    rig.say(1)
    await rig.run(2.0)
    tail = [at for at, packet, _ in rig.sent if packet[1:] == b"\x00"]
    assert tail == [round(0.02 * (1 + n), 3) for n in range(TAIL_FRAMES)]
    signs = [at for at, packet, _ in rig.sent if packet == bytes([MODE])]
    assert len(signs) == 4
    assert all(abs(b - a - QUIET_S) < 0.021 for a, b in pairwise(signs))
    stamps = [timestamp for _, _, timestamp in rig.sent]
    assert stamps == sorted(set(stamps)), "no two packets have one timestamp"
    for at, _, timestamp in rig.sent:
        assert abs(timestamp / 48000 - at) < 0.021, "timestamps keep to the clock"


@virtual
async def test_a_stall_is_caught_up() -> None:
    rig = _Rig()
    rig.say(20)
    await rig.run(0.05)
    await asyncio.sleep(0.1)  # nobody asks
    await rig.run(0.005)
    ats = [at for at, _ in rig.said]
    assert ats[:3] == [0.0, 0.02, 0.04]
    assert ats[3:] == [0.15] * 5
    assert [stamp for _, stamp in rig.said] == [n * PER_FRAME for n in range(8)]


@virtual
async def test_after_a_long_stall_it_goes_on_from_now() -> None:
    rig = _Rig()
    rig.say(4)
    await rig.run(0.01)
    await asyncio.sleep(30)
    await rig.run(0.03)
    assert [at for at, _ in rig.said] == [0.0, 30.01, 30.03]
    assert rig.said[1][1] >= 30 * 48000
