"""AudioSocket's codec: bytes in, events out, and back. No I/O, no clock.

A message is its kind (1 byte), the length of what follows (2 bytes, big-endian) and that. The
application of the dialplan has 8 kHz; the channel driver has what its dial string asks for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from engine.errors import ProtocolError
from engine.frames import DTMF_DIGITS

__all__ = ["HANGUP", "RATES_HZ", "Decoder", "Event", "Identified", "Key", "Over", "Sound", "sound"]

OVER, IDENTIFIED, KEY, FAULT = 0x00, 0x01, 0x03, 0xFF
SOUND = {0x10: 8000, 0x12: 16000}
"""Of s16le mono: ``slin`` and ``slin16``."""
OTHER_SOUND = range(0x11, 0x19)
"""slin12 to slin192, which nothing here is made for."""
RATES_HZ = {rate_hz: kind for kind, rate_hz in SOUND.items()}

HANGUP = bytes(3)
"""Ends the call; the other side only closes the connection."""


@dataclass(frozen=True, slots=True)
class Identified:
    """The first message: the UUID that the dialplan gave the call."""

    uuid: UUID


@dataclass(frozen=True, slots=True)
class Sound:
    pcm: bytes
    rate_hz: int


@dataclass(frozen=True, slots=True)
class Key:
    """The caller pressed a key."""

    digit: str


@dataclass(frozen=True, slots=True)
class Over:
    """The far end hangs up; `fault` is its code where it is for one, else 0."""

    fault: int = 0


Event = Identified | Sound | Key | Over


class Decoder:
    """Cuts the stream of one connection into messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[Event | ProtocolError]:
        """The events of `data` and of what came before it, in order; what makes no sense as the
        error that it is. Take all of them before the next call."""
        data = self._rest + data if self._rest else data
        start = 0
        while len(data) - start >= 3:
            end = start + 3 + (data[start + 1] << 8 | data[start + 2])
            if end > len(data):
                break
            try:
                yield _event(data[start], data[start + 3 : end])
            except ProtocolError as error:
                yield error
            start = end
        self._rest = data[start:]


def _event(kind: int, payload: bytes) -> Event:
    rate_hz = SOUND.get(kind)
    if rate_hz is not None:
        if not payload or len(payload) & 1:
            raise ProtocolError("audio.odd_bytes", "a message of sound has whole samples of s16le")
        return Sound(payload, rate_hz)
    if kind == KEY:
        digit = payload.decode("latin-1")
        if len(digit) != 1 or digit not in DTMF_DIGITS:
            raise ProtocolError("audiosocket.no_key", "a key is one of 0123456789*#ABCD")
        return Key(digit)
    if kind == OVER:
        return Over()
    if kind == IDENTIFIED:
        if len(payload) != 16:
            raise ProtocolError("audiosocket.no_uuid", "the call's UUID has 16 bytes")
        return Identified(UUID(bytes=payload))
    if kind == FAULT:
        return Over(int.from_bytes(payload[:2]) or 0xFF)
    if kind in OTHER_SOUND:
        raise ProtocolError("audiosocket.format", "the dial string should have c(slin16)")
    raise ProtocolError("audiosocket.unknown", f"no message is of kind 0x{kind:02x}")


def sound(pcm: bytes, rate_hz: int) -> bytes:
    """The message of s16le sound of `rate_hz`, of 65,534 bytes at most."""
    return bytes((RATES_HZ[rate_hz],)) + len(pcm).to_bytes(2) + pcm
