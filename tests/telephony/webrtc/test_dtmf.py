"""Telephone-events as RFC 4733 writes them."""

from __future__ import annotations

import pytest

from telephony.webrtc.dtmf import TelephoneEvents


def test_a_press_is_told_once_as_it_begins() -> None:
    """RFC 4733, 5: updates while it lasts, and its end three times."""
    events = TelephoneEvents()
    packets = [
        b"\x05\x0a\x03\xc0",
        b"\x05\x0a\x07\x80",
        *[b"\x05\x8a\x0b\x40"] * 3,
    ]
    assert [events.feed(8000, packet) for packet in packets] == ["5", None, None, None, None]


@pytest.mark.parametrize(
    ("event", "key"), [(0, "0"), (9, "9"), (10, "*"), (11, "#"), (12, "A"), (15, "D")]
)
def test_every_key_has_its_event(event: int, key: str) -> None:
    assert TelephoneEvents().feed(0, bytes([event, 0x8A, 3, 0xC0])) == key


def test_a_press_whose_beginning_is_lost_is_told_by_its_end() -> None:
    assert TelephoneEvents().feed(0, b"\x01\x8a\x0b\x40") == "1"


def test_the_same_key_again_is_a_press_of_its_own() -> None:
    events = TelephoneEvents()
    assert events.feed(1000, b"\x01\x8a\x0b\x40") == "1"
    assert events.feed(1000 + 0x0B40 + 2400, b"\x01\x0a\x03\xc0") == "1"


def test_also_when_every_end_of_the_first_was_lost() -> None:
    events = TelephoneEvents()
    assert events.feed(1000, b"\x01\x0a\x0b\x40") == "1"
    assert events.feed(9000, b"\x01\x0a\x03\xc0") == "1"


def test_a_key_held_for_long_goes_on_in_the_next_segment() -> None:
    """At 48 kHz the 16 bits of the duration are full after 1.4 s (2.5.1.3)."""
    events = TelephoneEvents()
    assert events.feed(0xFFFF0000, b"\x07\x0a\xff\xff") == "7"
    assert events.feed(0xFFFFFFFF, b"\x07\x0a\x03\xc0") is None
    assert events.feed(0xFFFFFFFF, b"\x07\x8a\x07\x80") is None
    assert events.feed(0x00010000, b"\x08\x0a\x03\xc0") == "8"


@pytest.mark.parametrize("payload", [b"", b"\x05", b"\x05\x0a\x03", b"\x10\x0a\x03\xc0"])
def test_what_is_no_key_is_none(payload: bytes) -> None:
    assert TelephoneEvents().feed(0, payload) is None
