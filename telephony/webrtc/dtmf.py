"""Keys as RTP: telephone-event (RFC 4733)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TelephoneEvents"]

KEYS = "0123456789*#ABCD"
"""The events 0 to 15 (RFC 4733, 3.2); flash and others are no keys."""


@dataclass(slots=True)
class _Press:
    event: int
    timestamp: int
    duration: int
    ended: bool


class TelephoneEvents:
    """The packets of one stream, in order; each press is told once, as it begins."""

    def __init__(self) -> None:
        self._last: _Press | None = None

    def feed(self, timestamp: int, payload: bytes) -> str | None:
        """The key whose press begins with this packet; None if it began before, or is no key.

        A packet tells the event, whether it has ended, and how long it lasts so far (2.3); an
        event too long for its 16 bits goes on in a segment of a later timestamp (2.5.1.3).
        """
        if len(payload) < 4:
            return None
        event, ended, duration = payload[0], bool(payload[1] & 0x80), payload[2] << 8 | payload[3]
        last = self._last
        if last is not None and last.event == event:
            since = timestamp - last.timestamp & 0xFFFFFFFF
            if since == 0:
                last.duration = max(last.duration, duration)
                last.ended = last.ended or ended
                return None
            if since == last.duration and not last.ended:
                self._last = _Press(event, timestamp, duration, ended)
                return None
        self._last = _Press(event, timestamp, duration, ended)
        return KEYS[event] if event < len(KEYS) else None
