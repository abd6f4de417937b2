"""What became of a call that we placed."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

__all__ = ["Outcome", "outcome"]


class Outcome(StrEnum):
    """How placing a call ended. Only `ANSWERED` was a conversation."""

    ANSWERED = "answered"
    BUSY = "busy"
    NO_ANSWER = "no_answer"
    """It rang, and nobody took it."""
    UNREACHABLE = "unreachable"
    """It did not even ring: switched off, or the way there is dead."""
    DECLINED = "declined"
    UNWANTED = "unwanted"
    """Declined, and not to be called again (SIP 607)."""
    CONGESTION = "congestion"
    """The network has no room now; try again soon."""
    UNKNOWN_NUMBER = "unknown_number"
    CANCELLED = "cancelled"
    """By us, before it was answered."""
    FAILED = "failed"
    """The carrier would not, or could not: credentials, rights, codecs."""


_BY_SIP: Mapping[int, Outcome] = {
    401: Outcome.FAILED,
    402: Outcome.FAILED,
    403: Outcome.FAILED,  # Asterisk gives it cause 21, as it does to 603
    404: Outcome.UNKNOWN_NUMBER,
    407: Outcome.FAILED,
    410: Outcome.UNKNOWN_NUMBER,
    484: Outcome.UNKNOWN_NUMBER,
    486: Outcome.BUSY,
    487: Outcome.CANCELLED,
    488: Outcome.FAILED,
    500: Outcome.CONGESTION,
    502: Outcome.CONGESTION,
    503: Outcome.CONGESTION,
    504: Outcome.CONGESTION,
    600: Outcome.BUSY,
    603: Outcome.DECLINED,
    604: Outcome.UNKNOWN_NUMBER,
    606: Outcome.FAILED,
    607: Outcome.UNWANTED,
    608: Outcome.DECLINED,
}
"""RFC 3261, 21.4 to 21.6; 607 is RFC 8197, 608 RFC 8688."""

_BY_CAUSE: Mapping[int, Outcome] = {
    1: Outcome.UNKNOWN_NUMBER,
    2: Outcome.FAILED,
    3: Outcome.FAILED,
    16: Outcome.CANCELLED,
    17: Outcome.BUSY,
    21: Outcome.DECLINED,
    22: Outcome.UNKNOWN_NUMBER,
    27: Outcome.UNREACHABLE,
    28: Outcome.UNKNOWN_NUMBER,
    34: Outcome.CONGESTION,
    38: Outcome.CONGESTION,
    41: Outcome.CONGESTION,
    42: Outcome.CONGESTION,
    44: Outcome.CONGESTION,
    47: Outcome.CONGESTION,
    102: Outcome.CONGESTION,
    127: Outcome.FAILED,
}
"""ITU-T Q.850, 2.2.7; for channels without SIP, and statuses that are not above."""

_NOBODY = {18, 19, 20, 408, 480}
"""No user responding, no answer from user (also after our own timeout), subscriber absent; SIP's
for the same."""


def outcome(cause: int, tech_cause: int | None, *, rang: bool, cancelled: bool = False) -> Outcome:
    """What became of a call that was not answered, from its ChannelDestroyed.

    `rang` is whether a RINGING came: without one Asterisk tells a phone that is silent from a dead
    port by nothing. `cancelled` is whether we ended it: Asterisk makes up a cause then.
    """
    if cancelled:
        return Outcome.CANCELLED
    if tech_cause in _NOBODY or cause in _NOBODY:
        return Outcome.NO_ANSWER if rang else Outcome.UNREACHABLE
    by_sip = None if tech_cause is None else _BY_SIP.get(tech_cause)
    return by_sip or _BY_CAUSE.get(cause, Outcome.FAILED)
