"""A carrier's stream keeps a channel's contract, with Twilio's messages and a far end like it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engine.channel import AudioChannel
from engine.clock import LoopClock
from engine.frames import Audio, Cleared, Dtmf, Frame, Hangup, Mark, Played, Say
from server.talk.far_end import FarEnd, Message
from telephony.carriers.stream import Begun, StreamChannel
from telephony.carriers.twilio import TwilioCodec
from tests.engine.conformance import channel as conformance
from tests.telephony.carriers.test_twilio import MEDIA, START
from tests.telephony.test_media_channel import FakeWire
from tests.virtual import virtual

FRAME = bytes(320)


class PlainCodec(TwilioCodec):
    """Without the loss of µ-law: what is tested is the channel."""

    def sound(self, pcm: bytes) -> str:
        return json.dumps({"event": "media", "media": {"payload": base64.b64encode(pcm).decode()}})


class Line:
    """A WebSocket to a far end that plays as Twilio does: marks come back when they are reached,
    and all that are left when it is cleared."""

    blocked = False
    waiting_bytes = 0

    def __init__(self) -> None:
        self.channel = StreamChannel(PlainCodec(), self, lambda begun: None)
        self._clock = LoopClock()
        self._far = FarEnd(8000, self._clock.now(), frame_ms=1)
        self._heard = bytearray()
        self._waiting: list[str] = []

    def write(self, message: bytes | str) -> None:
        fields = json.loads(message)
        now = self._clock.now()
        match fields["event"]:
            case "media":
                pcm = base64.b64decode(fields["media"]["payload"])
                self._heard += pcm
                self._answer(self._far.receive(pcm, now))
            case "mark":
                self._waiting.append(fields["mark"]["name"])
                mark = {"type": "mark", "name": fields["mark"]["name"]}
                self._answer(self._far.receive(mark, now))
            case "clear":
                self._answer(self._far.advance(now))
                self._far.receive({"type": "clear", "turn": 0}, now)
                for name in tuple(self._waiting):
                    self._reached(name)

    def close(self, code: int, reason: str) -> None:
        assert code == 1000

    def _answer(self, answers: list[Message]) -> None:
        for answer in answers:
            if answer["type"] == "mark":
                self._reached(answer["name"])

    def _reached(self, name: str) -> None:
        if name in self._waiting:
            self._waiting.remove(name)
            mark = {"event": "mark", "mark": {"name": name}}
            asyncio.get_running_loop().call_soon(self._send, mark)

    def _send(self, message: dict[str, Any]) -> None:
        self.channel.received(json.dumps(message), self._clock.now())

    # tests.engine.conformance.channel.FarEnd

    def deliver(self, frame: Frame) -> None:
        match frame:
            case Dtmf(digit=digit):
                self._send({"event": "dtmf", "dtmf": {"digit": digit}})
            case Hangup():
                self._send({"event": "stop"})
            case _:
                raise AssertionError(frame)

    @property
    def heard(self) -> bytes:
        return bytes(self._heard)

    async def wait(self, seconds: float) -> None:
        until = self._clock.now() + seconds
        while self._clock.now() < until - 1e-9:
            await asyncio.sleep(0.01)
            self._answer(self._far.advance(self._clock.now()))
        await asyncio.sleep(0)


CASES = [case for case in conformance.CASES if "pause" not in case.__name__]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
@virtual
async def test_it_conforms(
    case: Callable[[AudioChannel, conformance.FarEnd], Awaitable[None]],
) -> None:
    line = Line()
    await case(line.channel, line)


def opened() -> tuple[StreamChannel, FakeWire, list[Frame], list[Begun | None]]:
    wire = FakeWire()
    begun: list[Begun | None] = []
    came: list[Frame] = []
    channel = StreamChannel(TwilioCodec(), wire, begun.append)
    channel.received(START, 0.0)
    channel.attach(came.append)
    return channel, wire, came, begun


def returned(name: str) -> str:
    return json.dumps({"event": "mark", "mark": {"name": name}})


def test_the_stream_says_whose_call_it_is_and_sound_follows() -> None:
    channel, _, came, begun = opened()
    assert begun == [Begun("CA9", "+33199000001", {"to": "+33199000001", "pass": "p"})]
    channel.received(MEDIA, 1.0)
    (frame,) = came
    assert isinstance(frame, Audio)


def test_marks_of_ours_tell_nobody_but_where_it_was_cleared() -> None:
    channel, wire, came, _ = opened()
    channel.send(Say("Bonjour.", epoch=3))
    channel.send(Mark("3.0"))
    for _ in range(25):
        channel.play(FRAME)
    channel.send(Mark("3.1"))
    names = [told["mark"]["name"] for told in wire.told() if told["event"] == "mark"]
    assert names == ["3.0", "@3.0", "@3.200", "@3.400", "3.1"]
    channel.received(returned("3.0"), 1.0)
    channel.received(returned("@3.0"), 1.0)
    channel.received(returned("@3.200"), 1.2)
    channel.clear(3)
    assert wire.told()[-1]["event"] == "clear"
    channel.received(returned("@3.400"), 1.29)
    channel.received(returned("3.1"), 1.29)
    heard, cleared = came
    assert heard == Played("3.0", 1.0)
    assert isinstance(cleared, Cleared)
    assert (cleared.epoch, cleared.at) == (3, 1.29)
    assert cleared.played_ms == pytest.approx(290)


def test_a_clear_that_came_too_late_is_not_answered() -> None:
    """Everything was played: no mark is left to come back, and the pace is right."""
    channel, _, came, _ = opened()
    channel.send(Say("Oui.", epoch=1))
    channel.play(FRAME)
    channel.received(returned("@1.0"), 1.0)
    channel.clear(1)
    assert came == []


def test_a_mark_that_nobody_sent_is_nothing() -> None:
    channel, _, came, _ = opened()
    channel.received(returned("9.9"), 1.0)
    assert came == []


def test_a_message_that_makes_no_sense_is_counted() -> None:
    channel, _, came, _ = opened()
    channel.received("no", 1.0)
    assert (came, channel.inlet.faults["message.not_json"]) == ([], 1)


def test_a_carrier_that_does_not_read_loses_sound_then_the_call() -> None:
    channel, wire, came, _ = opened()
    wire.blocked = True
    channel.play(FRAME)
    assert channel.dropped == 1
    channel.watch(1.0)
    channel.watch(7.0)
    assert came == [Hangup("stalled")]
    assert (wire.closed, channel.inlet.fault) == ((1000, "stalled"), "client.stalled")


def test_a_fault_after_the_end_is_not_why_it_ended() -> None:
    channel, wire, _, _ = opened()
    channel.close("completed")
    channel.fail("server.error", "no")
    assert (wire.closed, channel.inlet.fault) == ((1000, "completed"), None)


def test_a_fault_of_ours_ends_the_stream_once() -> None:
    channel, wire, came, _ = opened()
    channel.fail("server.error", "no")
    channel.close("error")
    channel.play(FRAME)
    channel.received(MEDIA, 1.0)
    assert (wire.closed, channel.inlet.fault, came) == ((1000, "server.error"), "server.error", [])
