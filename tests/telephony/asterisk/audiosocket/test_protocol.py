"""AudioSocket's codec, by literal bytes."""

from __future__ import annotations

from uuid import UUID

import pytest

from engine.errors import ProtocolError
from telephony.asterisk.audiosocket.protocol import (
    HANGUP,
    Decoder,
    Event,
    Identified,
    Key,
    Over,
    Sound,
    sound,
)

ID = bytes.fromhex("40325ec25efd4bd3805f53576e581d13")


@pytest.mark.parametrize(
    ("data", "event"),
    [
        (b"\x01\x00\x10" + ID, Identified(UUID("40325ec2-5efd-4bd3-805f-53576e581d13"))),
        (b"\x10\x01\x40" + b"\1\2" * 160, Sound(b"\1\2" * 160, 8000)),
        (b"\x12\x02\x80" + b"\1\2" * 320, Sound(b"\1\2" * 320, 16000)),
        (b"\x03\x00\x01" + b"#", Key("#")),
        (b"\x00\x00\x00", Over()),
        (b"\xff\x00\x01\x02", Over(2)),
        (b"\xff\x00\x00", Over(255)),
    ],
)
def test_what_asterisk_sends(data: bytes, event: Event) -> None:
    assert list(Decoder().feed(data)) == [event]


def test_messages_come_in_any_pieces() -> None:
    data = b"\x01\x00\x10" + ID + b"\x10\x01\x40" + bytes(320) + b"\x03\x00\x015" + HANGUP
    whole = list(Decoder().feed(data))
    assert whole[1:] == [Sound(bytes(320), 8000), Key("5"), Over()]
    for size in (1, 2, 7, 19, 300):
        decoder = Decoder()
        events: list[Event | ProtocolError] = []
        for start in range(0, len(data), size):
            events += decoder.feed(data[start : start + size])
        assert events == whole


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x10\x00\x00", "audio.odd_bytes"),
        (b"\x12\x00\x03abc", "audio.odd_bytes"),
        (b"\x01\x00\x04abcd", "audiosocket.no_uuid"),
        (b"\x03\x00\x01x", "audiosocket.no_key"),
        (b"\x03\x00\x0212", "audiosocket.no_key"),
        (b"\x13\x00\x02ab", "audiosocket.format"),
        (b"\x18\x00\x02ab", "audiosocket.format"),
        (b"\x42\x00\x02ab", "audiosocket.unknown"),
    ],
)
def test_what_makes_no_sense_is_told_and_passed_over(data: bytes, code: str) -> None:
    error, key = Decoder().feed(data + b"\x03\x00\x017")
    assert isinstance(error, ProtocolError)
    assert error.code == code
    assert key == Key("7")


def test_what_asterisk_is_sent() -> None:
    assert sound(b"\1\2" * 160, 8000) == b"\x10\x01\x40" + b"\1\2" * 160
    assert sound(b"\1\2" * 320, 16000) == b"\x12\x02\x80" + b"\1\2" * 320
    assert HANGUP == b"\x00\x00\x00"
