"""The sound of one call as a telephone makes and hears it, in RTP packets. Sans-I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bench.sip.message import SipError
from bench.sip.rtp import PACKET, Keypad, Packet, Press, parse, press
from bench.sip.sdp import PCMA, PCMU, Media
from telephony.g711 import A_LAW, MU_LAW

__all__ = ["LAWS", "Arrived", "Ear", "Mouth", "Samples"]

Samples = NDArray[np.int16]

LAWS = {PCMU: MU_LAW, PCMA: A_LAW}

HALF = 1 << 15


class Arrived(NamedTuple):
    """A packet of sound, and when it came."""

    at: float
    packet: Packet


class Mouth:
    """Makes a packet every 20 ms: what is said, else silence (or nothing, where `silent`)."""

    def __init__(self, media: Media, source: int) -> None:
        self.silent = False
        """Send nothing while nothing is said, as a telephone with silence suppression."""
        self._law = LAWS[media.payload_type]
        self._media = media
        self._source = source
        self._sequence = 0
        self._timestamp = 0
        self._said = np.zeros(0, np.int16)
        self._keys: deque[Iterator[Press]] = deque()
        self._key_at = 0
        self._marked = True

    @property
    def speaking(self) -> bool:
        """There is sound or a key that was not sent."""
        return bool(self._said.size or self._keys)

    def say(self, samples: Samples) -> None:
        """Say `samples` (8 kHz) after what is being said."""
        self._said = np.concatenate([self._said, samples.astype(np.int16)])

    def hush(self) -> None:
        """Say no more."""
        self._said = np.zeros(0, np.int16)

    def press(self, digits: str) -> None:
        """Press keys one after the other. Raises SipError where the other side takes none."""
        if self._media.events is None:
            raise SipError("the other side takes no telephone events")
        self._keys += [press(digit) for digit in digits]

    def packet(self) -> Packet | None:
        """The next 20 ms."""
        said, self._said = self._said[:PACKET], self._said[PACKET:]
        self._sequence = self._sequence + 1 & 0xFFFF
        self._timestamp = self._timestamp + PACKET & 0xFFFFFFFF
        if self._keys and (key := self._next_key()) is not None:
            return key
        if not said.size and self.silent:
            # Nothing goes out: the sequence has no gap, the time has.
            self._sequence = self._sequence - 1 & 0xFFFF
            self._marked = True
            return None
        sound = self._law.encode(said) + self._law.silence * (PACKET - said.size)
        marked, self._marked = self._marked, False
        return self._packed(self._media.payload_type, sound, self._timestamp, marker=marked)

    def _next_key(self) -> Packet | None:
        while self._keys:
            pressed = next(self._keys[0], None)
            if pressed is None:
                self._keys.popleft()
                continue
            if pressed.marker:
                self._key_at = self._timestamp
            assert self._media.events is not None
            return self._packed(
                self._media.events, pressed.payload, self._key_at, marker=pressed.marker
            )
        return None

    def _packed(self, payload_type: int, payload: bytes, at: int, *, marker: bool) -> Packet:
        return Packet(payload_type, marker, self._sequence, at, self._source, payload)


class Ear:
    """Keeps every packet that comes, with its time."""

    def __init__(self) -> None:
        self.packets: list[Arrived] = []
        """Sound, in order of arrival."""
        self.digits = ""
        """The keys that were pressed at the other side."""
        self.strange = 0
        """Datagrams that were no sound of a call."""
        self._keypad = Keypad()

    def receive(self, data: bytes, at: float, events: int | None) -> Packet | None:
        """A datagram; the packet where it is sound."""
        try:
            packet = parse(data)
            if packet.payload_type in LAWS:
                self.packets.append(Arrived(at, packet))
                return packet
            if packet.payload_type == events:
                self.digits += self._keypad.press(packet) or ""
                return None
        except SipError:
            pass
        self.strange += 1
        return None

    def track(self, first: int = 0) -> Samples:
        """What came from packet `first` on, on the time of the packets: silence where none came.

        Gaps over 60 s are an error of the other side: SipError.
        """
        pieces: list[Samples] = []
        due: int | None = None
        for _, packet in self.packets[first:]:
            samples = decoded(packet)
            ahead = 0 if due is None else _signed(packet.timestamp - due)
            if ahead > 60 * 8000:
                raise SipError(f"the timestamps jump by {ahead} samples")
            if ahead > 0:
                pieces.append(np.zeros(ahead, np.int16))
            if ahead >= 0:
                pieces.append(samples)
                due = packet.timestamp + samples.size & 0xFFFFFFFF
        return np.concatenate(pieces) if pieces else np.zeros(0, np.int16)

    @property
    def lost(self) -> int:
        """Packets of the sequence that never came."""
        numbers = [packet.sequence for _, packet in self.packets]
        steps = (after - before & 0xFFFF for before, after in pairwise(numbers))
        return sum(step - 1 for step in steps if 0 < step < HALF)


def decoded(packet: Packet) -> Samples:
    """The sound of a packet."""
    return LAWS[packet.payload_type].decode(packet.payload)


def _signed(difference: int) -> int:
    """A difference of timestamps, which wrap."""
    return (difference + (1 << 31) & 0xFFFFFFFF) - (1 << 31)
