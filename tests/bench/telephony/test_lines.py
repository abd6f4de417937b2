"""What a caller hears of RTP."""

from typing import cast

import numpy as np
import pytest

from bench.sip.call import Call
from bench.sip.rtp import Packet
from bench.telephony.caller import Caller, Said
from bench.telephony.lines import wire_up
from bench.telephony.sound import FRAME, Heard

START = 2**32 - FRAME
"""Timestamps begin anywhere and wrap."""


class _Ends:
    """What `wire_up` sets of a call."""


def _heard(*packets: tuple[int, int, bool]) -> list[Heard]:
    """What is heard of packets: sequence, timestamp after the first one's, marker."""
    call, caller = _Ends(), Caller(Said(np.ones(FRAME, np.int16), 0, FRAME - 1))
    wire_up(cast(Call, call), caller)
    for sequence, timestamp, marker in packets:
        packet = Packet(
            0, marker, sequence & 0xFFFF, START + timestamp & 0xFFFFFFFF, 1, b"\x7f" * FRAME
        )
        cast(Call, call).heard(packet, 5.0)
    return list(caller.heard)


def test_time_is_the_senders() -> None:
    heard = _heard((65535, 0, True), (65536, FRAME, False), (65537, 2 * FRAME, False))
    assert [piece.sent_s for piece in heard] == pytest.approx([0.0, 0.02, 0.04])
    assert [piece.broken for piece in heard] == [True, False, False]


def test_what_was_lost_on_the_way_is_no_break() -> None:
    heard = _heard((1, 0, False), (4, 3 * FRAME, False))
    assert [piece.broken for piece in heard] == [False, False]


def test_a_sender_who_had_nothing_to_send_shows_it() -> None:
    heard = _heard((1, 0, False), (2, 3 * FRAME, False), (3, 4 * FRAME, True))
    assert [piece.broken for piece in heard] == [False, True, True]
