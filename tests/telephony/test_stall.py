"""When a peer that does not read is given up."""

from __future__ import annotations

from telephony.stall import MOST_WAITING_BYTES, STALLED_S, Stall
from tests.telephony.test_media_channel import FakeWire


def test_a_peer_has_its_time_and_gets_it_anew_once_it_reads() -> None:
    wire = FakeWire()
    stall = Stall(wire)
    assert not stall.too_long(0.0)
    wire.blocked = True
    assert not stall.too_long(1.0)
    assert not stall.too_long(1.0 + STALLED_S)
    wire.blocked = False
    assert not stall.too_long(2.0 + STALLED_S)
    wire.blocked = True
    assert not stall.too_long(3.0 + STALLED_S)
    assert stall.too_long(3.1 + 2 * STALLED_S)


def test_too_much_that_waits_is_too_long_at_once() -> None:
    wire = FakeWire()
    wire.blocked, wire.waiting_bytes = True, MOST_WAITING_BYTES + 1
    assert Stall(wire).too_long(0.0)
