"""A peer's packets become frames: in order, at their times, and without holes where it matters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest

from engine.frames import Audio, Dtmf, Frame
from telephony.webrtc.incoming import MOST_CONCEALED, Incoming, Packet

RATE_HZ = 48000
SOUND, KEYS = 111, 110
CONCEALED = b"\xee\xee"


class _Decoder:
    """A packet's payload, 20 ms long, is its sound."""

    made = 0

    def __init__(self) -> None:
        _Decoder.made += 1

    def decode(self, packet: bytes) -> bytes:
        if packet == b"broken":
            raise ValueError("no sound")
        return packet * (RATE_HZ // 50)

    def conceal(self) -> bytes:
        return CONCEALED * (RATE_HZ // 50)


def nothing(frame: Frame) -> Iterable[Frame]:
    return (frame,)


def incoming(faults: Counter[str] | None = None) -> Incoming:
    _Decoder.made = 0
    return Incoming(
        _Decoder,
        RATE_HZ,
        nothing,
        SOUND,
        frozenset({KEYS}),
        Counter() if faults is None else faults,
    )


def sound(number: int, ssrc: int = 1, payload: bytes | None = None) -> Packet:
    payload = bytes([number, 0]) if payload is None else payload
    return Packet(ssrc, number, number * 960, SOUND, payload)


def key(number: int, payload: bytes, timestamp: int) -> Packet:
    return Packet(1, number, timestamp, KEYS, payload)


def feed(stream: Incoming, packets: Sequence[Packet], start: float = 0.0) -> list[Frame]:
    """All frames of packets that come 20 ms apart."""
    return [
        frame
        for index, packet in enumerate(packets)
        for frame in stream.feed(packet, start + index * 0.02)
    ]


def heard(frames: Sequence[Frame]) -> list[int]:
    """The first byte of each frame of sound: its packet's number."""
    return [frame.pcm[0] for frame in frames if isinstance(frame, Audio)]


def test_sound_is_heard_at_once_and_at_its_time() -> None:
    frames = feed(incoming(), [sound(1), sound(2), sound(3)], start=7.0)
    assert heard(frames) == [1, 2, 3]
    times = [frame.at for frame in frames if isinstance(frame, Audio)]
    assert times == pytest.approx([6.98, 7.0, 7.02])


def test_the_network_does_not_move_the_times() -> None:
    stream = incoming()
    times = [
        frame.at
        for number in range(1, 60)
        for frame in stream.feed(sound(number), number * 0.02 + (0.03 if number % 3 else 0.0))
        if isinstance(frame, Audio)
    ]
    steps = [after - before for before, after in pairwise(times[20:])]
    assert steps == pytest.approx([0.02] * len(steps))


def test_what_is_exchanged_on_the_way_is_put_in_order() -> None:
    assert heard(feed(incoming(), [sound(1), sound(3), sound(2), sound(4)])) == [1, 2, 3, 4]


def test_a_lost_packet_is_made_up() -> None:
    stream = incoming()
    frames = feed(stream, [sound(1), sound(3), sound(4), sound(5), sound(6)])
    assert heard(frames) == [1, 0xEE, 3, 4, 5, 6]
    assert (stream.lost, stream.concealed) == (1, 1)


def test_of_many_that_are_lost_only_the_first_are_made_up() -> None:
    stream = incoming()
    frames = feed(stream, [sound(1), sound(10), sound(11), sound(12)])
    assert heard(frames) == [1, *[0xEE] * MOST_CONCEALED, 10, 11, 12]
    assert (stream.lost, stream.concealed) == (8, MOST_CONCEALED)


def test_a_key_is_told_once() -> None:
    packets = [
        sound(1),
        key(2, b"\x05\x0a\x03\xc0", 1920),
        key(3, b"\x05\x8a\x07\x80", 1920),
        key(4, b"\x05\x8a\x07\x80", 1920),
        sound(5),
    ]
    frames = feed(incoming(), packets)
    assert [frame for frame in frames if isinstance(frame, Dtmf)] == [Dtmf("5", 0.02)]
    assert heard(frames) == [1, 5]


def test_a_lost_packet_of_a_key_is_no_hole_in_the_sound() -> None:
    packets = [sound(1), key(3, b"\x05\x8a\x07\x80", 1920), sound(4), sound(5), sound(6)]
    frames = feed(incoming(), packets)
    assert heard(frames) == [1, 4, 5, 6]


def test_another_source_begins_anew() -> None:
    stream = incoming()
    frames = feed(stream, [sound(1), sound(3), sound(200, ssrc=2), sound(201, ssrc=2)])
    assert heard(frames) == [1, 200, 201]
    assert _Decoder.made == 2


def test_what_is_no_sound_is_counted_and_left() -> None:
    faults: Counter[str] = Counter()
    stream = incoming(faults)
    packets = [sound(1), sound(2, payload=b"broken"), sound(3, payload=b""), sound(4)]
    assert heard(feed(stream, packets)) == [1, 4]
    assert faults == {"audio.malformed": 1}


def test_a_flood_is_cut_off() -> None:
    faults: Counter[str] = Counter()
    stream = incoming(faults)
    frames = [frame for number in range(200) for frame in stream.feed(sound(number), 0.0)]
    assert len(frames) == 100
    assert faults == {"audio.too_fast": 100}


def test_a_payload_type_that_was_not_agreed_is_left() -> None:
    assert feed(incoming(), [Packet(1, 1, 0, 8, b"\x01\x00")]) == []
