"""The media WebSocket as a channel, on a wire that a test holds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from engine.frames import Audio, Dtmf, Frame, Hangup, Say
from telephony.media.channel import MediaChannel
from telephony.media.protocol import MediaRequest
from telephony.wire import MOST_WAITING_BYTES, UNREAD_S


class FakeWire:
    def __init__(self) -> None:
        self.blocked = False
        self.waiting_bytes = 0
        self.sent: list[bytes | str] = []
        self.closed: tuple[int, str] | None = None

    def write(self, message: bytes | str) -> None:
        assert self.closed is None
        self.sent.append(message)

    def close(self, code: int, reason: str) -> None:
        assert self.closed is None
        self.closed = (code, reason)

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(message) for message in self.sent if isinstance(message, str)]


class Call:
    def __init__(self, *features: str) -> None:
        self.wire = FakeWire()
        self.channel = MediaChannel(
            MediaRequest("leads", "", 16000, frozenset(features)), self.wire
        )
        self.came: list[Frame] = []
        self.channel.attach(self.came.append)


def test_sound_and_keys_come_in_and_go_nowhere_after_the_end() -> None:
    call = Call()
    call.channel.received(bytes(640), 1.0)
    call.channel.received('{"type":"dtmf","digit":"5"}', 1.0)
    assert call.came == [Audio(bytes(640), 16000, 0.98), Dtmf("5", 1.0)]
    call.channel.close("completed")
    call.channel.received(bytes(640), 1.1)
    assert len(call.came) == 2


def test_nothing_comes_in_before_there_is_a_receiver() -> None:
    channel = MediaChannel(MediaRequest("leads", "", 16000, frozenset()), FakeWire())
    channel.received(bytes(640), 1.0)
    came: list[Frame] = []
    channel.attach(came.append)
    assert came == []


def test_faults_are_counted_and_told_once_a_second_each() -> None:
    call = Call()
    for number in range(250):
        call.channel.received(b"x", 10.0 + number / 100)
        call.channel.received("x", 10.0 + number / 100)
    codes = [message["code"] for message in call.wire.told()]
    assert sorted(codes) == ["audio.odd_bytes"] * 3 + ["message.not_json"] * 3
    assert call.channel.inlet.faults == {"audio.odd_bytes": 250, "message.not_json": 250}
    assert call.channel.inlet.fault is None
    assert not call.came


def test_sound_for_one_who_does_not_read_is_dropped_and_words_are_not() -> None:
    call = Call()
    call.wire.blocked = True
    call.channel.play(bytes(640))
    call.channel.send(Say("Bonjour.", epoch=1))
    call.wire.blocked = False
    call.channel.play(b"\1" * 640)
    assert call.channel.dropped == 1
    assert call.wire.sent == ['{"type":"reply","turn":1,"text":"Bonjour."}', b"\1" * 640]


def test_one_who_does_not_read_is_given_up_in_time() -> None:
    call = Call()
    call.wire.blocked = True
    call.channel.watch(100.0)
    call.channel.watch(100.0 + UNREAD_S)
    call.wire.blocked = False
    call.channel.watch(105.1)  # it read: time begins anew
    call.wire.blocked = True
    call.channel.watch(105.2)
    call.channel.watch(105.2 + UNREAD_S)
    assert not call.came
    call.channel.watch(105.3 + UNREAD_S)
    call.channel.watch(105.4 + UNREAD_S)
    assert call.wire.closed == (1008, "client.stalled")
    assert call.came == [Hangup("stalled")]
    assert call.channel.inlet.fault == "client.stalled"


def test_one_who_makes_much_wait_is_given_up_at_once() -> None:
    call = Call()
    call.wire.blocked = True
    call.wire.waiting_bytes = MOST_WAITING_BYTES + 1
    call.channel.watch(100.0)
    call.channel.watch(100.02)
    assert call.wire.closed == (1008, "client.stalled")


def test_nothing_is_said_after_the_end() -> None:
    call = Call("clear", "pause")
    call.channel.close("completed")
    call.channel.close("again")
    call.channel.play(bytes(640))
    call.channel.send(Say("Bonjour."))
    call.channel.pause(1)
    call.channel.resume(1)
    call.channel.clear(1)
    call.channel.fail("server.error", "no")
    assert call.wire.told() == [{"type": "hangup", "reason": "completed"}]
    assert call.wire.closed == (1000, "completed")


def test_a_fault_that_ends_the_call_is_told_and_kept() -> None:
    call = Call()
    call.channel.fail("server.draining", "the server stops; call again")
    call.channel.lost("draining")
    assert call.wire.told()[0]["fatal"]
    assert call.wire.closed == (1012, "server.draining")
    assert call.channel.inlet.fault == "server.draining"
    assert call.came == [Hangup("draining")]


def test_a_connection_that_is_lost_hangs_up() -> None:
    call = Call()
    call.channel.lost("caller", "client.vanished")
    call.channel.close("caller")
    assert call.came == [Hangup("caller")]
    assert call.channel.inlet.fault == "client.vanished"
    assert call.wire.closed is None


@pytest.mark.parametrize("kind", ["pause", "resume", "clear"])
def test_only_what_the_client_can_do_is_asked_of_it(kind: str) -> None:
    able, unable = Call("clear", "pause"), Call()
    getattr(able.channel, kind)(3)
    getattr(unable.channel, kind)(3)
    assert able.wire.told() == [{"type": kind, "turn": 3}]
    assert not unable.wire.sent
