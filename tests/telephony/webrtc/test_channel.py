"""A WebRTC call as a channel: every channel's contract, and what is its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engine.channel import AudioChannel
from engine.clock import LoopClock
from engine.frames import (
    Audio,
    Cleared,
    Dtmf,
    Frame,
    Hangup,
    Mark,
    Played,
    Say,
    StateChanged,
    Transcript,
)
from telephony.webrtc.channel import MOST_WAITING_BYTES, RATE_HZ, WebRtcChannel
from telephony.webrtc.track import PacedTrack
from tests.engine.conformance import channel as conformance
from tests.virtual import virtual


class _Data:
    """A data channel that somebody reads, or not."""

    waiting_bytes = 0

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def send(self, text: str) -> None:
        self.messages.append(json.loads(text))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]


class _Encoder:
    """Silence of the track's own is told from sound that was pulled."""

    def encode(self, pcm: bytes) -> bytes:
        return pcm if any(pcm) else b"\x00"


class _Line:
    """A channel whose track is sent by a task; `FarEnd` of the conformance suite."""

    def __init__(self) -> None:
        self.data = _Data()
        self.channel = WebRtcChannel(LoopClock(), self.data)
        self._heard = bytearray()
        self._sending: asyncio.Task[None] | None = None

    async def _send(self) -> None:
        track = PacedTrack(self.channel.pull, self.channel.wake, _Encoder(), LoopClock())
        while True:
            packet, _ = await track.next()
            if len(packet) > 1:
                self._heard += packet

    def deliver(self, frame: Frame) -> None:
        match frame:
            case Dtmf(digit=digit):
                self.channel.told(json.dumps({"type": "dtmf", "digit": digit}))
            case Hangup():
                self.channel.told('{"type":"hangup"}')
            case _:
                raise AssertionError(frame)

    @property
    def heard(self) -> bytes:
        return bytes(self._heard)

    async def wait(self, seconds: float) -> None:
        if self._sending is None:
            self._sending = asyncio.create_task(self._send())
        await asyncio.sleep(seconds)

    async def end(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait({self._sending})


@pytest.mark.parametrize("case", conformance.CASES, ids=lambda case: case.__name__)
@virtual
async def test_it_conforms(
    case: Callable[[AudioChannel, conformance.FarEnd], Awaitable[None]],
) -> None:
    line = _Line()
    try:
        await case(line.channel, line)
    finally:
        await line.end()


def attached(line: _Line) -> list[Frame]:
    received: list[Frame] = []
    line.channel.attach(received.append)
    return received


@virtual
async def test_what_happens_is_told_over_the_data_channel() -> None:
    line = _Line()
    attached(line)
    line.channel.send(StateChanged("listening"))
    line.channel.send(Transcript("oui", True, 0.0))
    line.channel.send(Say("Très bien.", epoch=3))
    assert line.data.messages == [
        {"type": "state", "state": "listening"},
        {"type": "transcript", "text": "oui", "final": True},
        {"type": "reply", "turn": 3, "text": "Très bien."},
    ]


@virtual
async def test_a_mark_is_told_when_its_sound_was_played() -> None:
    line = _Line()
    received = attached(line)
    line.channel.play(bytes([1, 0]) * (RATE_HZ // 10))
    line.channel.send(Mark("1.1"))
    await line.wait(0.05)
    assert line.data.of("mark") == []
    await line.wait(0.1)
    assert line.data.of("mark") == [{"type": "mark", "name": "1.1"}]
    assert [frame.name for frame in received if isinstance(frame, Played)] == ["1.1"]
    await line.end()


@virtual
async def test_after_a_clear_no_frame_of_the_turn_is_pulled() -> None:
    line = _Line()
    received = attached(line)
    line.channel.send(Say("Bonjour.", epoch=1))
    line.channel.play(bytes([1, 0]) * RATE_HZ)
    assert line.channel.pull()
    line.channel.clear(1)
    assert line.channel.pull() == b""
    await asyncio.sleep(0)
    assert [frame.played_ms for frame in received if isinstance(frame, Cleared)] == [20]


@virtual
async def test_the_answer_to_a_clear_does_not_come_within_the_clear() -> None:
    """The mouth notes where it stopped first, and is told the truth then."""
    line = _Line()
    received = attached(line)
    line.channel.clear(1)
    assert received == []


@virtual
async def test_sound_and_keys_of_the_peer_come_in() -> None:
    line = _Line()
    received = attached(line)
    sound = Audio(b"\x01\x00", RATE_HZ, 0.0)
    line.channel.heard(sound)
    line.channel.heard(Dtmf("5", 0.0))
    assert received == [sound, Dtmf("5", 0.0)]


@virtual
async def test_before_it_is_attached_and_after_it_is_closed_nothing_comes_in() -> None:
    line = _Line()
    line.channel.heard(Dtmf("5", 0.0))
    received = attached(line)
    line.channel.close("completed")
    line.channel.heard(Dtmf("6", 0.0))
    line.channel.told("{")
    assert received == []
    assert not line.channel.inlet.faults


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "message.not_json"),
        ("[]", "message.unknown"),
        ('{"type":"dtmf","digit":"x"}', "message.invalid"),
        ('{"type":"mark","name":"1.0"}', "message.unknown"),
        ('{"type":"played","turn":1,"ms":5}', "message.unknown"),
        (b"\x00\x01", "message.not_text"),
    ],
)
@virtual
async def test_what_makes_no_sense_is_counted_and_told(message: str | bytes, code: str) -> None:
    line = _Line()
    received = attached(line)
    line.channel.told(message)
    assert received == []
    assert line.channel.inlet.faults == {code: 1}
    (error,) = line.data.of("error")
    assert (error["code"], error["fatal"]) == (code, False)


@virtual
async def test_a_client_that_only_sends_faults_is_told_once_a_second() -> None:
    line = _Line()
    attached(line)
    for _ in range(100):
        line.channel.told("{")
        await asyncio.sleep(0.02)
    assert line.channel.inlet.faults == {"message.not_json": 100}
    assert len(line.data.of("error")) == 2


@virtual
async def test_a_peer_that_does_not_read_is_given_up() -> None:
    line = _Line()
    received = attached(line)
    line.data.waiting_bytes = MOST_WAITING_BYTES + 1
    line.channel.send(StateChanged("listening"))
    line.channel.send(StateChanged("processing"))
    await asyncio.sleep(0)
    assert received == [Hangup("stalled")]
    assert line.channel.inlet.fault == "client.stalled"


@virtual
async def test_a_peer_that_is_gone_hung_up() -> None:
    line = _Line()
    received = attached(line)
    line.channel.lost("caller", "client.vanished")
    assert received == [Hangup("caller")]
    assert line.channel.inlet.fault == "client.vanished"
    line.channel.send(StateChanged("closed"))
    assert line.data.messages == []


@virtual
async def test_also_one_that_was_gone_before_anybody_listened() -> None:
    line = _Line()
    line.channel.lost("caller")
    assert attached(line) == [Hangup("caller")]


@virtual
async def test_a_fault_that_ends_the_call_is_told() -> None:
    line = _Line()
    attached(line)
    line.channel.fail("server.draining", "the server stops; call again")
    line.channel.close("draining")
    assert [(m["type"], m.get("code"), m.get("fatal")) for m in line.data.messages] == [
        ("error", "server.draining", True)
    ]
    assert line.channel.inlet.fault == "server.draining"
    assert line.channel.pull() == b""
