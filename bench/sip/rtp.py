"""RTP packets (RFC 3550) and telephone events (RFC 4733), to bytes and back. Sans-I/O."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bench.sip.message import SipError

__all__ = ["DIGITS", "PACKET", "RATE_HZ", "Keypad", "Packet", "Press", "digit_of", "parse", "press"]

RATE_HZ = 8000
PACKET = RATE_HZ // 50
"""Samples, and bytes of G.711, in 20 ms."""

HEADER = struct.Struct("!BBHII")
VERSION = 2 << 6
DIGITS = "0123456789*#ABCD"
"""RFC 4733, table 3: events 0 to 15."""
VOLUME = 10
"""-dBm0, as telephones send."""


class Packet(NamedTuple):
    """An RTP packet. `timestamp` counts samples."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    source: int
    payload: bytes

    def encode(self) -> bytes:
        second = self.marker << 7 | self.payload_type
        header = HEADER.pack(VERSION, second, self.sequence, self.timestamp, self.source)
        return header + self.payload


def parse(data: bytes) -> Packet:
    """One datagram; raises SipError where it is no RTP. Extensions and padding are taken off."""
    if len(data) < HEADER.size or data[0] >> 6 != 2:
        raise SipError(f"{len(data)} bytes are no RTP packet")
    first, second, sequence, timestamp, source = HEADER.unpack_from(data)
    start, end = HEADER.size + 4 * (first & 0x0F), len(data)
    if first & 0x10:
        if len(data) < start + 4:
            raise SipError("the RTP packet ends in its header's extension")
        start += 4 + 4 * int.from_bytes(data[start + 2 : start + 4])
    if first & 0x20:
        end -= data[-1]
    if start > end:
        raise SipError("the RTP packet is shorter than its header says")
    marker = bool(second & 0x80)
    return Packet(second & 0x7F, marker, sequence, timestamp, source, data[start:end])


@dataclass(frozen=True, slots=True)
class Press:
    """One packet of a key's event: `payload`, `marker` on the first; `timestamp` stays that of the
    key's beginning."""

    payload: bytes
    marker: bool


def press(digit: str, packets: int = 5) -> Iterator[Press]:
    """A key held for `packets` times 20 ms; its end is sent three times (RFC 4733, 2.5.1.4)."""
    event = DIGITS.find(digit)
    if event < 0:
        raise SipError(f"{digit!r} is no key; keys are {DIGITS}")
    for number in range(1, packets + 1):
        yield Press(_event(event, number * PACKET, end=False), marker=number == 1)
    for _ in range(3):
        yield Press(_event(event, packets * PACKET, end=True), marker=False)


def _event(event: int, duration: int, *, end: bool) -> bytes:
    return struct.pack("!BBH", event, end << 7 | VOLUME, duration)


def digit_of(payload: bytes) -> tuple[str, bool]:
    """The key of an event's packet, and whether it ends; raises SipError for other events."""
    if len(payload) < 4 or payload[0] >= len(DIGITS):
        raise SipError("an event that is no key")
    return DIGITS[payload[0]], bool(payload[1] & 0x80)


class Keypad:
    """The keys that were pressed, out of packets that repeat each."""

    def __init__(self) -> None:
        self._last: tuple[int, str] | None = None

    def press(self, packet: Packet) -> str | None:
        """The key, at the first packet that says so; None for its repetitions."""
        digit, _ = digit_of(packet.payload)
        pressed = packet.timestamp, digit
        if pressed == self._last:
            return None
        self._last = pressed
        return digit
