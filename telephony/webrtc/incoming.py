"""What a peer sends as RTP, as frames: its sound and its keys. No I/O, no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from engine.frames import Audio, Dtmf, Frame
from telephony.timeline import Timeline
from telephony.webrtc.dtmf import TelephoneEvents
from telephony.webrtc.reorder import Reorder

__all__ = ["Incoming", "Packet", "SoundDecoder"]

MOST_CONCEALED = 3
"""Packets in a row whose sound is made up: after 60 ms a made-up vowel is a wrong one."""


class SoundDecoder(Protocol):
    """Packets to s16le mono (`telephony.webrtc.opus.Decoder`)."""

    def decode(self, packet: bytes) -> bytes:
        """Raises ValueError for what is no sound."""
        ...

    def conceal(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Packet:
    """What matters of a packet of RTP."""

    ssrc: int
    sequence: int
    timestamp: int
    payload_type: int
    payload: bytes


class Incoming:
    """One peer's stream. `resample` makes Audio of `rate_hz`, which is what `new_decoder`'s
    decoders give, to that of the channel; `keys` are the payload types of telephone-event. What
    could not be used is counted in `faults`, by code.

    A stream whose source (SSRC) changes begins anew: a browser that changes its microphone.
    """

    def __init__(
        self,
        new_decoder: Callable[[], SoundDecoder],
        rate_hz: int,
        resample: Callable[[Frame], Iterable[Frame]],
        sound: int,
        keys: frozenset[int],
        faults: Counter[str],
    ) -> None:
        self._faults = faults
        self.concealed = 0
        """Packets whose sound was made up."""
        self._new_decoder = new_decoder
        self._rate_hz = rate_hz
        self._resample = resample
        self._sound = sound
        self._keys = keys
        self._timeline = Timeline()
        self._ssrc: int | None = None
        self._reorder: Reorder[Packet] = Reorder()
        self._decoder = new_decoder()
        self._events = TelephoneEvents()
        self._missing = 0
        self._lost = 0

    @property
    def lost(self) -> int:
        """Packets that never came."""
        return self._lost + self._reorder.lost

    def feed(self, packet: Packet, now: float) -> Iterator[Frame]:
        """The frames that a packet which arrived at `now` completes."""
        if packet.ssrc != self._ssrc:
            self._begin(packet.ssrc)
        for arrived in self._reorder.push(packet.sequence, packet, now):
            if arrived is None:
                self._missing += 1
            elif arrived.payload_type in self._keys:
                self._missing = 0
                key = self._events.feed(arrived.timestamp, arrived.payload)
                if key is not None:
                    yield Dtmf(key, now)
            elif arrived.payload_type == self._sound and arrived.payload:
                yield from self._concealed(now)
                yield from self._decoded(arrived.payload, now)

    def _begin(self, ssrc: int) -> None:
        if self._ssrc is not None:
            self._lost += self._reorder.lost
            self._reorder = Reorder()
            self._decoder = self._new_decoder()
            self._events = TelephoneEvents()
        self._ssrc = ssrc
        self._missing = 0

    def _concealed(self, now: float) -> Iterator[Frame]:
        missing, self._missing = self._missing, 0
        for _ in range(min(missing, MOST_CONCEALED)):
            self.concealed += 1
            yield from self._heard(self._decoder.conceal(), now)

    def _decoded(self, payload: bytes, now: float) -> Iterator[Frame]:
        try:
            pcm = self._decoder.decode(payload)
        except ValueError:
            self._faults["audio.malformed"] += 1
            return
        yield from self._heard(pcm, now)

    def _heard(self, pcm: bytes, now: float) -> Iterable[Frame]:
        if not pcm:
            return ()
        at = self._timeline.stamp(len(pcm) / (2 * self._rate_hz), now)
        if at is None:
            self._faults["audio.too_fast"] += 1
            return ()
        return self._resample(Audio(pcm, self._rate_hz, at))
