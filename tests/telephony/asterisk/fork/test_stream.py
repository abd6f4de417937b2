"""Forks of a call's sound, on a wire that a test holds."""

from __future__ import annotations

import json

import pytest

from engine.errors import ProtocolError
from engine.frames import Audio, Frame, Hangup, Say, Transcript
from telephony.asterisk.fork.stream import FREESWITCH, ForkRequest, ForkStream
from telephony.wire import UNREAD_S


class FakeWire:
    def __init__(self) -> None:
        self.blocked = False
        self.waiting_bytes = 0
        self.sent: list[bytes | str] = []
        self.closed: list[tuple[int, str]] = []

    def write(self, message: bytes | str) -> None:
        self.sent.append(message)

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))


class Fork:
    def __init__(self, query: str = "", *offered: str) -> None:
        self.wire = FakeWire()
        self.stream = ForkStream(ForkRequest.parse(query, list(offered)), self.wire)
        self.came: list[list[Frame]] = []
        for side in self.stream.sides:
            frames: list[Frame] = []
            side.attach(frames.append)
            self.came.append(frames)


def test_app_audiofork_sends_one_side_at_8_khz() -> None:
    request = ForkRequest.parse("", ["echo"])
    assert request.subprotocol == "echo"
    assert (request.sides, request.form.rate_hz, request.call) == (("caller",), 8000, "")
    fork = Fork("call=17&side=agent", "echo")
    assert [side.name for side in fork.stream.sides] == ["agent"]
    fork.stream.received("PJSIP/1001-00000001", 1.0)
    fork.stream.received(b"\1\0" * 160, 1.0)
    ((heard,),) = fork.came
    assert isinstance(heard, Audio)
    assert (heard.pcm, heard.rate_hz) == (b"\1\0" * 160, 8000)
    assert heard.at == pytest.approx(0.98)


def test_freeswitch_sends_both_sides_side_by_side() -> None:
    fork = Fork("rate=16000&channels=2", FREESWITCH)
    fork.stream.received('{"from":"1001"}', 1.0)
    fork.stream.received(b"\1\0\2\0" * 320, 1.0)
    caller, agent = (frames[0] for frames in fork.came)
    assert isinstance(caller, Audio)
    assert isinstance(agent, Audio)
    assert (caller.pcm, agent.pcm) == (b"\1\0" * 320, b"\2\0" * 320)
    assert caller.rate_hz == 16000


def test_transcripts_go_back_to_freeswitch_alone() -> None:
    line = Transcript("d'accord", final=True, at=1.0)
    fork = Fork("rate=16000", FREESWITCH)
    (side,) = fork.stream.sides
    side.send(line)
    side.send(Say("Bonjour."))
    (told,) = fork.wire.sent
    assert json.loads(told) == {
        "type": "transcription",
        "data": {"side": "caller", "text": "d'accord", "final": True},
    }
    silent = Fork("", "echo")
    silent.stream.sides[0].send(line)
    assert not silent.wire.sent


def test_nothing_can_be_played() -> None:
    fork = Fork()
    (side,) = fork.stream.sides
    side.play(bytes(320))
    side.pause(1)
    side.resume(1)
    side.clear(1)
    assert not fork.wire.sent


def test_what_makes_no_sense_is_counted() -> None:
    fork = Fork()
    fork.stream.received(b"x", 1.0)
    assert fork.stream.sides[0].inlet.faults == {"audio.odd_bytes": 1}
    both = Fork("channels=2")
    both.stream.received(b"\1\0", 1.0)
    assert both.stream.sides[0].inlet.faults == {"audio.odd_bytes": 1}


def test_the_end() -> None:
    fork = Fork("channels=2")
    fork.stream.received(bytes(640), 1.0)
    fork.stream.received(b"\1\0" * 320, 3.0)  # after a gap, so it waits for more
    fork.stream.lost("caller")
    fork.stream.received(bytes(640), 1.1)
    for frames in fork.came:
        assert [type(frame) for frame in frames] == [Audio, Audio, Hangup]
    late: list[Frame] = []
    fork.stream.sides[0].attach(late.append)
    assert late == [Hangup("caller")]
    assert not fork.wire.closed


def test_closing() -> None:
    fork = Fork()
    fork.stream.sides[0].close("completed")
    fork.stream.sides[0].close("again")
    fork.stream.sides[0].fail("server.error", "too late to be why")
    assert fork.wire.closed == [(1000, "completed")]
    assert fork.stream.sides[0].inlet.fault is None
    fork = Fork()
    fork.stream.fail("server.error", "the server failed")
    assert fork.wire.closed == [(1011, "server.error")]
    assert fork.stream.sides[0].inlet.fault == "server.error"


def test_who_does_not_read_is_given_up() -> None:
    fork = Fork()
    fork.wire.blocked = True
    fork.stream.watch(1.0)
    fork.stream.watch(1.1 + UNREAD_S)
    assert fork.came == [[Hangup("stalled")]]
    assert fork.wire.closed == [(1008, "client.stalled")]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("rate=44100", "request.rate"),
        ("channels=3", "request.channels"),
        (f"call={'x' * 65}", "request.call"),
        ("side=%00", "request.side"),
    ],
)
def test_requests_that_make_no_sense(query: str, code: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        ForkRequest.parse(query, [])
    assert caught.value.code == code
