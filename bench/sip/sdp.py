"""Session descriptions (RFC 8866) for one stream of G.711 with telephone events. Sans-I/O."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.sip.message import SipError

__all__ = ["EVENTS", "PCMA", "PCMU", "Media", "answer", "offer"]

PCMU, PCMA = 0, 8
"""RFC 3551, table 4."""
EVENTS = 101
"""The payload type under which we offer telephone events (RFC 4733)."""
NAMES = {PCMU: "PCMU/8000", PCMA: "PCMA/8000"}


@dataclass(frozen=True, slots=True)
class Media:
    """Where sound goes, how it is coded, and the payload type of telephone events if any."""

    host: str
    port: int
    payload_type: int
    events: int | None

    @classmethod
    def parse(cls, body: bytes) -> Media:
        """What the other side wants; raises SipError where there is no G.711 in it."""
        text = body.decode("utf-8", "replace")
        connection = re.search(r"^c=IN IP4 (\S+)", text, re.MULTILINE)
        media = re.search(r"^m=audio (\d+) RTP/AVP ([\d ]+)", text, re.MULTILINE)
        if connection is None or media is None:
            raise SipError("the session description has no audio over IPv4 RTP")
        types = [int(number) for number in media[2].split()]
        coded = next((number for number in types if number in NAMES), None)
        if coded is None:
            raise SipError(f"no G.711 among the payload types {types}")
        events = re.search(r"^a=rtpmap:(\d+) telephone-event/8000", text, re.MULTILINE)
        return cls(connection[1], int(media[1]), coded, int(events[1]) if events else None)


def offer(host: str, port: int, payload_types: tuple[int, ...] = (PCMU,)) -> bytes:
    """Our description: G.711 in order of preference, with telephone events."""
    return _describe(host, port, payload_types, EVENTS)


def answer(host: str, port: int, to: Media) -> bytes:
    """Our description in reply to `to`: its coding, and its events if it has any."""
    return _describe(host, port, (to.payload_type,), to.events)


def _describe(host: str, port: int, payload_types: tuple[int, ...], events: int | None) -> bytes:
    numbers = [*payload_types, *([] if events is None else [events])]
    lines = [
        "v=0",
        f"o=- {port} {port} IN IP4 {host}",
        "s=-",
        f"c=IN IP4 {host}",
        "t=0 0",
        f"m=audio {port} RTP/AVP {' '.join(map(str, numbers))}",
        *(f"a=rtpmap:{number} {NAMES[number]}" for number in payload_types),
    ]
    if events is not None:
        lines += [f"a=rtpmap:{events} telephone-event/8000", f"a=fmtp:{events} 0-15"]
    lines += ["a=ptime:20", "a=sendrecv", ""]
    return "\r\n".join(lines).encode()
