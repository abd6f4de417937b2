"""AudioSocket as a channel, on a wire that a test holds."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

import pytest

from engine.channel import AudioChannel
from engine.frames import Audio, Dtmf, Frame, Hangup, Mark, Say
from telephony.asterisk.audiosocket.channel import AudioSocketChannel
from telephony.asterisk.audiosocket.protocol import (
    HANGUP,
    Decoder,
    Identified,
    Key,
    Over,
    Sound,
)
from telephony.wire import UNREAD_S
from tests.engine.conformance import channel as conformance
from tests.virtual import virtual

FRAME = b"\1\0" * 160


class FakeWire:
    def __init__(self) -> None:
        self.blocked = False
        self.waiting_bytes = 0
        self.sent = bytearray()
        self.closed: tuple[int, str] | None = None

    def write(self, message: bytes | str) -> None:
        assert self.closed is None
        assert isinstance(message, bytes)
        self.sent += message

    def close(self, code: int, reason: str) -> None:
        assert self.closed is None
        self.closed = (code, reason)


class Call:
    """tests.engine.conformance.channel.FarEnd, for what this channel can."""

    def __init__(self) -> None:
        self.wire = FakeWire()
        self.channel = AudioSocketChannel(8000, self.wire)
        self.came: list[Frame] = []
        self.channel.attach(self.came.append)

    def deliver(self, frame: Frame) -> None:
        match frame:
            case Dtmf(digit=digit):
                self.channel.received(Key(digit), 0.0)
            case Hangup():
                self.channel.received(Over(), 0.0)
            case _:
                raise AssertionError(frame)

    @property
    def heard(self) -> bytes:
        came = Decoder().feed(bytes(self.wire.sent))
        return b"".join(event.pcm for event in came if isinstance(event, Sound))

    async def wait(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@pytest.mark.parametrize(
    "case",
    [
        conformance.sound_arrives_whole_and_in_order,
        conformance.what_the_person_does_comes_in_order,
        conformance.nothing_is_sent_after_closing,
        conformance.what_a_channel_has_no_form_for_is_left_out,
    ],
    ids=lambda case: case.__name__,
)
@virtual
async def test_it_conforms(
    case: Callable[[AudioChannel, conformance.FarEnd], Awaitable[None]],
) -> None:
    call = Call()
    await case(call.channel, call)


def test_it_is_paced_by_us_and_takes_nothing_back() -> None:
    call = Call()
    can = call.channel.capabilities
    assert (can.rate_hz, can.mark, can.clear, can.pause) == (8000, False, False, False)
    assert can.lead_s == 0.02
    assert can.comfort_noise, "the application gives up after 2 s of silence"
    call.channel.pause(1)
    call.channel.resume(1)
    call.channel.clear(1)
    call.channel.send(Mark("1.0"))
    call.channel.send(Say("Bonjour."))
    assert not call.wire.sent


def test_sound_comes_in() -> None:
    call = Call()
    call.channel.received(Sound(FRAME, 8000), 1.0)
    call.channel.received(Sound(FRAME * 2, 16000), 1.02)
    call.channel.received(Identified(UUID(int=7)), 1.02)
    (heard,) = call.came
    assert isinstance(heard, Audio)
    assert (heard.pcm, heard.rate_hz) == (FRAME, 8000)
    assert heard.at == pytest.approx(0.98)
    assert call.channel.inlet.faults == {
        "audiosocket.rate_changed": 1,
        "audiosocket.identified_twice": 1,
    }


def test_stale_sound_is_dropped() -> None:
    call = Call()
    call.channel.received(Sound(FRAME, 8000), 0.0)
    for _ in range(200):
        call.channel.received(Sound(FRAME, 8000), 4.0)
    call.channel.received(Over(), 4.0)
    assert len(call.came) == 1 + 50 + 1
    assert call.came[-1] == Hangup("caller")
    assert call.channel.inlet.faults == {"audio.stale": 150}


def test_a_fault_of_the_far_end_is_told() -> None:
    call = Call()
    call.channel.received(Over(2), 0.0)
    assert call.came == [Hangup("caller")]
    assert call.channel.inlet.fault == "audiosocket.fault_2"


def test_a_hang_up_before_there_is_a_receiver_is_told_to_it() -> None:
    channel = AudioSocketChannel(8000, FakeWire())
    channel.lost("caller")
    came: list[Frame] = []
    channel.attach(came.append)
    assert came == [Hangup("caller")]


def test_hanging_up() -> None:
    call = Call()
    call.channel.close("completed")
    assert call.wire.sent == HANGUP
    assert call.wire.closed == (1000, "completed")
    call = Call()
    call.channel.fail("speech.unavailable", "call again")
    call.channel.fail("other", "again")
    assert call.wire.closed == (1011, "speech.unavailable")
    assert call.channel.inlet.fault == "speech.unavailable"


def test_an_asterisk_that_does_not_read_is_given_up() -> None:
    call = Call()
    call.wire.blocked = True
    call.channel.play(FRAME)
    call.channel.play(b"")
    assert call.channel.dropped == 1
    call.channel.watch(1.0)
    call.channel.watch(1.1 + UNREAD_S)
    assert call.came == [Hangup("stalled")]
    assert call.wire.closed == (1008, "asterisk.stalled")
