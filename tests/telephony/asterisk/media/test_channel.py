"""chan_websocket as a channel, on a wire that a test holds."""

from __future__ import annotations

from typing import Any

import pytest

from engine.errors import ConfigurationError, ProtocolError
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
from telephony.asterisk.media.channel import LEAD_S, opened
from telephony.wire import UNREAD_S

START = (
    "MEDIA_START connection_id:media1 channel:WebSocket/media1/0x7f channel_id:lab-1.1 "
    "format:slin16 optimal_frame_size:640 ptime:20"
)
JSON_START = (
    '{"event":"MEDIA_START","connection_id":"media1","channel":"WebSocket/media1/0x7f",'
    '"channel_id":"lab-1.1","format":"slin16","optimal_frame_size":640,"ptime":20}'
)
FRAME = b"\1\0" * 320


def about(at: float) -> Any:
    """A time that is a sum of 20 ms."""
    return pytest.approx(at)


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


class Call:
    def __init__(self, start: str = START) -> None:
        self.wire = FakeWire()
        self.channel = opened(start, self.wire)
        self.came: list[Frame] = []
        self.channel.attach(self.came.append)

    def tell(self, *events: str, at: float = 9.0) -> None:
        for event in events:
            self.channel.received(event, at)

    def status(self, queue_length: int) -> None:
        self.tell(
            f"STATUS channel_id:lab-1.1 queue_length:{queue_length} xon_level:800 xoff_level:900 "
            "queue_full:false bulk_media:false media_paused:true"
        )


def test_it_can_do_what_the_best_channels_can() -> None:
    can = Call().channel.capabilities
    assert can.audio
    assert (can.rate_hz, can.mark, can.clear, can.pause) == (16000, True, True, True)
    assert can.comfort_noise, "an empty queue sends no RTP"
    assert 0.1 < can.lead_s == LEAD_S <= 0.2


def test_sound_and_keys_come_in_until_the_end() -> None:
    call = Call()
    call.channel.received(FRAME, 1.0)
    call.tell("DTMF_END digit:5 channel_id:lab-1.1", at=1.01)
    assert call.came == [Audio(FRAME, 16000, about(0.98)), Dtmf("5", 1.01)]
    call.channel.close("completed")
    call.channel.received(FRAME, 1.02)
    assert len(call.came) == 2
    assert call.wire.closed == (1000, "completed")


def test_other_forms_of_sound_are_as_good() -> None:
    call = Call(START.replace("slin16", "ulaw").replace("640", "160"))
    assert call.channel.capabilities.rate_hz == 8000
    call.channel.received(b"\xff\x80" * 80, 1.0)
    assert call.came == [Audio(b"\x00\x00\x7c\x7d" * 80, 8000, about(0.98))]
    call.channel.play(b"\x00\x00\xff\x7f" * 80)
    assert call.wire.sent == [b"\xff\x80" * 80]


def test_what_comes_before_there_is_a_receiver_is_not_heard_later() -> None:
    wire = FakeWire()
    channel = opened(START, wire)
    for number in range(150):  # early media
        channel.received(FRAME, 1.0 + number * 0.02)
    came: list[Frame] = []
    channel.attach(came.append)
    channel.received(FRAME, 4.0)
    assert came == [Audio(FRAME, 16000, about(3.98))]
    assert not channel.inlet.faults


@pytest.mark.parametrize(
    ("start", "mark", "paused", "flush"),
    [
        (START, "MARK_MEDIA 1.0", "PAUSE_MEDIA", "FLUSH_MEDIA"),
        (
            JSON_START,
            '{"command":"MARK_MEDIA","correlation_id":"1.0"}',
            '{"command":"PAUSE_MEDIA"}',
            '{"command":"FLUSH_MEDIA"}',
        ),
    ],
)
def test_commands_are_in_the_dialect_that_asterisk_began_in(
    start: str, mark: str, paused: str, flush: str
) -> None:
    call = Call(start)
    call.channel.send(Mark("1.0"))
    call.channel.clear(1)
    sent = [str(message) for message in call.wire.sent]
    assert sent[:2] == [mark, paused]
    assert sent[3] == flush
    assert len(sent) == 5


def test_the_position_is_what_was_sent_less_what_is_left() -> None:
    call = Call()
    call.channel.play(FRAME)  # noise of the line, long played
    call.channel.send(Say("Bonjour.", epoch=1))
    call.channel.send(Mark("1.0"))
    for _ in range(10):
        call.channel.play(FRAME)
    call.channel.pause(1)
    assert call.wire.sent[-2:] == ["PAUSE_MEDIA", "GET_STATUS"]
    call.channel.play(FRAME)  # after the question, so not part of its answer
    call.status(4)
    call.channel.resume(1)
    assert call.wire.sent[-1] == "CONTINUE_MEDIA"
    call.channel.clear(1)
    assert call.wire.sent[-4:] == ["PAUSE_MEDIA", "GET_STATUS", "FLUSH_MEDIA", "CONTINUE_MEDIA"]
    call.status(2)
    assert call.came == [Cleared(1, 120.0, 9.0), Cleared(1, 180.0, 9.0)]


def test_a_turn_is_counted_from_its_first_line() -> None:
    call = Call()
    call.channel.send(Say("Bonjour.", epoch=1))
    call.channel.play(FRAME * 10)
    call.channel.clear(1)
    call.status(7)
    call.channel.send(Say("Encore.", epoch=2))
    call.channel.play(FRAME * 5)
    call.channel.send(Say("Et puis.", epoch=2))
    call.channel.play(FRAME * 5)
    call.channel.clear(2)
    call.status(1)
    assert call.came == [Cleared(1, 60.0, 9.0), Cleared(2, 180.0, 9.0)]


def test_answers_belong_to_questions_in_order_also_of_turns_gone_by() -> None:
    call = Call()
    call.channel.send(Say("Bonjour.", epoch=1))
    call.channel.play(FRAME * 10)
    call.channel.clear(1)
    call.channel.send(Say("Encore.", epoch=2))
    call.channel.play(FRAME * 3)
    call.channel.pause(2)
    call.status(10)
    call.status(3)
    call.status(0)  # nobody asked
    assert call.came == [Cleared(1, 0.0, 9.0), Cleared(2, 0.0, 9.0)]


def test_a_turn_does_not_wait_behind_the_noise_of_the_line() -> None:
    call = Call()
    call.channel.play(FRAME)
    call.channel.send(Say("Bonjour.", epoch=1))
    call.channel.send(Say("Ça va ?", epoch=1))
    assert call.wire.sent == [FRAME, "FLUSH_MEDIA"]


def test_what_was_said_is_never_flushed_for_what_comes_next() -> None:
    call = Call()
    call.channel.send(Say("Bonjour.", epoch=1))
    call.channel.play(FRAME)
    call.channel.send(Mark("1.1"))
    call.channel.send(Say("Encore.", epoch=2))
    assert call.wire.sent.count("FLUSH_MEDIA") == 1
    call.tell("MEDIA_MARK_PROCESSED 1.1")
    assert call.came == [Played("1.1", 9.0)]
    call.channel.send(Say("Enfin.", epoch=3))
    assert call.wire.sent.count("FLUSH_MEDIA") == 2


def test_marks_that_a_clear_took_are_not_waited_for() -> None:
    call = Call()
    call.channel.send(Say("Bonjour.", epoch=1))
    call.channel.send(Mark("1.1"))
    call.channel.clear(1)
    call.channel.send(Say("Encore.", epoch=2))
    assert call.wire.sent.count("FLUSH_MEDIA") == 3


def test_frames_for_the_eyes_are_left_out() -> None:
    call = Call()
    call.channel.send(Transcript("bonjour", final=True, at=1.0))
    call.channel.send(StateChanged("listening"))
    assert not call.wire.sent


def test_a_full_queue_is_sent_nothing() -> None:
    call = Call()
    call.channel.play(FRAME * 2)
    call.tell("MEDIA_XOFF")
    call.channel.play(FRAME * 3)
    call.tell("MEDIA_XON")
    call.channel.play(FRAME)
    assert call.wire.sent == [FRAME * 2, FRAME]
    assert call.channel.dropped == 3
    call.channel.pause(0)
    call.status(1)
    assert call.came == [Cleared(0, 40.0, 9.0)], "what was not sent was not heard"


def test_sound_for_an_asterisk_that_does_not_read_is_dropped_and_commands_are_not() -> None:
    call = Call()
    call.wire.blocked = True
    call.channel.play(FRAME)
    call.channel.send(Mark("1.0"))
    assert call.wire.sent == ["MARK_MEDIA 1.0"]
    assert call.channel.dropped == 1


def test_a_remainder_is_made_a_frame_and_no_message_is_too_large() -> None:
    call = Call()
    call.channel.play(b"\1\0" * 330)
    call.channel.play(b"")
    assert call.wire.sent == [b"\1\0" * 330 + bytes(620)]
    call.wire.sent.clear()
    call.channel.play(FRAME * 150)
    assert [len(message) for message in call.wire.sent] == [64_000, 32_000]


def test_what_makes_no_sense_is_counted() -> None:
    call = Call()
    call.channel.received(b"x", 1.0)
    call.channel.received(b"", 1.0)
    call.tell("ERROR channel_id:lab-1.1 error_text:no", "MEDIA_SMELLED", START, "QUEUE_DRAINED")
    assert call.channel.inlet.faults == {
        "audio.odd_bytes": 2,
        "asterisk.refused": 1,
        "asterisk.unknown": 1,
        "asterisk.started_twice": 1,
    }
    assert not call.came


def test_stale_sound_is_dropped_after_a_stall() -> None:
    call = Call()
    for number in range(10):
        call.channel.received(FRAME, number * 0.02)
    for number in range(303):
        call.channel.received(number.to_bytes(2, "little") * 320, 6.18)
    for number in range(303, 305):
        call.channel.received(number.to_bytes(2, "little") * 320, 6.2 + (number - 303) * 0.02)
    heard = [frame for frame in call.came if isinstance(frame, Audio)][10:]
    assert [frame.pcm[0] | frame.pcm[1] << 8 for frame in heard] == list(range(255, 305))
    assert heard[0].at == pytest.approx(5.22)
    assert heard[-1].at == pytest.approx(6.2)
    assert call.channel.inlet.faults == {"audio.stale": 255}


def test_sound_far_ahead_of_its_time_is_dropped() -> None:
    call = Call()
    for _ in range(200):
        call.channel.received(FRAME, 1.0)
    assert len(call.came) == 100
    assert call.channel.inlet.faults == {"audio.too_fast": 100}


def test_last_words_are_heard_even_after_a_gap() -> None:
    call = Call()
    call.channel.received(FRAME, 1.0)
    call.channel.received(FRAME, 3.0)
    call.channel.lost("caller")
    assert call.came[1:] == [Audio(FRAME, 16000, about(2.98)), Hangup("caller")]
    call.channel.received(FRAME, 3.1)
    assert len(call.came) == 3


def test_a_hang_up_before_there_is_a_receiver_is_told_to_it() -> None:
    channel = opened(START, FakeWire())
    channel.lost("caller")
    came: list[Frame] = []
    channel.attach(came.append)
    assert came == [Hangup("caller")]


def test_an_asterisk_that_does_not_read_for_long_is_given_up() -> None:
    call = Call()
    call.wire.blocked = True
    call.channel.watch(1.0)
    call.channel.watch(1.0 + UNREAD_S)
    assert not call.came
    call.channel.watch(1.1 + UNREAD_S)
    assert call.came == [Hangup("stalled")]
    assert call.channel.inlet.fault == "asterisk.stalled"
    assert call.wire.closed == (1008, "asterisk.stalled")
    call.channel.watch(9.0 + UNREAD_S)


def test_a_fault_of_ours_ends_the_call_once() -> None:
    call = Call()
    call.channel.answer()
    call.channel.fail("speech.unavailable", "speech failed three times; call again")
    call.channel.fail("other", "again")
    call.channel.close("failed")
    call.channel.play(FRAME)
    call.channel.answer()
    call.channel.pause(1)
    assert call.wire.sent == ["ANSWER"]
    assert call.wire.closed == (1011, "speech.unavailable")
    assert call.channel.inlet.fault == "speech.unavailable"
    call.channel.lost("caller", "later")
    assert call.channel.inlet.fault == "speech.unavailable"


@pytest.mark.parametrize(
    ("start", "error", "says"),
    [
        ("ANYTHING", ProtocolError, "no event of chan_websocket"),
        ("QUEUE_DRAINED", ProtocolError, "MEDIA_START"),
        (START.replace("slin16", "opus"), ConfigurationError, r"c\(slin16\)"),
        (START.replace("640", "0"), ConfigurationError, "no p"),
        (START.replace("ptime:20", "ptime:10"), ConfigurationError, r"c\(slin16\)"),
    ],
)
def test_a_call_that_cannot_be_begins_with_an_error(
    start: str, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        opened(start, FakeWire())
