"""What became of a call: the table, as observed on Asterisk 22.10.1."""

from __future__ import annotations

import pytest

from telephony.asterisk.outcome import Outcome, outcome


@pytest.mark.parametrize(
    ("cause", "sip", "expected"),
    [
        (17, 486, Outcome.BUSY),
        (17, 600, Outcome.BUSY),
        (21, 603, Outcome.DECLINED),
        (21, 403, Outcome.FAILED),
        (34, 503, Outcome.CONGESTION),
        (38, 500, Outcome.CONGESTION),
        (27, 502, Outcome.CONGESTION),
        (102, 504, Outcome.CONGESTION),
        (1, 404, Outcome.UNKNOWN_NUMBER),
        (1, 604, Outcome.UNKNOWN_NUMBER),
        (22, 410, Outcome.UNKNOWN_NUMBER),
        (28, 484, Outcome.UNKNOWN_NUMBER),
        (127, 487, Outcome.CANCELLED),
        (58, 488, Outcome.FAILED),
        (127, 607, Outcome.UNWANTED),
        (16, None, Outcome.CANCELLED),
        (17, None, Outcome.BUSY),
        (42, None, Outcome.CONGESTION),
        (17, 699, Outcome.BUSY),
        (0, None, Outcome.FAILED),
    ],
)
def test_cause_and_sip_status_tell(cause: int, sip: int | None, expected: Outcome) -> None:
    assert outcome(cause, sip, rang=True) is expected


@pytest.mark.parametrize(("cause", "sip"), [(19, 480), (18, 408), (20, None), (19, None)])
def test_ringing_tells_who_is_not_there_from_what_is_dead(cause: int, sip: int | None) -> None:
    assert outcome(cause, sip, rang=True) is Outcome.NO_ANSWER
    assert outcome(cause, sip, rang=False) is Outcome.UNREACHABLE


def test_what_we_ended_is_cancelled_whatever_asterisk_makes_of_it() -> None:
    assert outcome(16, 603, rang=True, cancelled=True) is Outcome.CANCELLED
