"""When a peer that does not read is given up."""

from __future__ import annotations

from telephony.wire import MOST_WAITING_BYTES, UNREAD_S, Unread
from tests.telephony.test_media_channel import FakeWire


def test_a_peer_has_its_time_and_gets_it_anew_once_it_reads() -> None:
    wire = FakeWire()
    unread = Unread(wire)
    assert not unread.too_long(0.0)
    wire.blocked = True
    assert not unread.too_long(1.0)
    assert not unread.too_long(1.0 + UNREAD_S)
    wire.blocked = False
    assert not unread.too_long(2.0 + UNREAD_S)
    wire.blocked = True
    assert not unread.too_long(3.0 + UNREAD_S)
    assert unread.too_long(3.1 + 2 * UNREAD_S)


def test_too_much_that_waits_is_too_long_at_once() -> None:
    wire = FakeWire()
    wire.blocked, wire.waiting_bytes = True, MOST_WAITING_BYTES + 1
    assert Unread(wire).too_long(0.0)
