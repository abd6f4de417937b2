"""AudioSocket as a channel: what is written is played at once, and cannot be taken back.

So nothing is sent before its time but the frame that plays next, and what was heard is what was
due.
"""

from __future__ import annotations

from engine.channel import Capabilities
from engine.frames import Dtmf, Frame
from telephony.asterisk.audiosocket.protocol import (
    HANGUP,
    Event,
    Identified,
    Key,
    Over,
    Sound,
    sound,
)
from telephony.asterisk.formats import FORMATS
from telephony.asterisk.intake import Intake
from telephony.inlet import Inlet
from telephony.wire import Unread, Wire

__all__ = ["AudioSocketChannel"]

FORMS = {8000: FORMATS["slin"], 16000: FORMATS["slin16"]}

LEAD_S = 0.02
"""One frame: 50 that were written at once left as 50 packets within a millisecond."""


class AudioSocketChannel:
    """One call's way through AudioSocket, with sound of `rate_hz` both ways. `now` of its methods
    is the edge's clock."""

    def __init__(self, rate_hz: int, wire: Wire) -> None:
        self.capabilities = Capabilities(
            rate_hz=rate_hz,
            lead_s=LEAD_S,
            comfort_noise=True,  # 2 s without sound either way, and the application gives up
        )
        self.dropped = 0
        """Frames of sound not sent because Asterisk did not read."""
        self.inlet = Inlet()
        self.attach = self.inlet.attach
        self._wire = wire
        self._intake = Intake(FORMS[rate_hz], self.inlet.faults)
        self._unread = Unread(wire)

    # From Asterisk

    def received(self, event: Event, now: float) -> None:
        """A whole message arrived."""
        if self.inlet.closed:
            return
        match event:
            case Sound():
                self._heard(event, now)
            case Key(digit=digit):
                self.inlet.deliver(Dtmf(digit, now))
            case Over(fault=fault):
                self.lost("caller", f"audiosocket.fault_{fault}" if fault else None)
            case Identified():
                self.inlet.faults["audiosocket.identified_twice"] += 1

    def _heard(self, piece: Sound, now: float) -> None:
        if piece.rate_hz != self.capabilities.rate_hz:
            self.inlet.faults["audiosocket.rate_changed"] += 1
            return
        for heard in self._intake.take(piece.pcm, now):
            self.inlet.deliver(heard)

    def lost(self, reason: str, fault: str | None = None) -> None:
        """The connection is gone; `fault` is the code of why, where that is one."""
        if not self.inlet.closed:
            for heard in self._intake.finish():
                self.inlet.deliver(heard)
        self.inlet.lost(reason, fault)

    def watch(self, now: float) -> None:
        """Called while Asterisk does not read, and once after: it may be given up."""
        if self._unread.too_long(now) and not self.inlet.closed:
            self.lost("stalled", "asterisk.stalled")
            self._wire.close(1008, "asterisk.stalled")

    # To Asterisk

    def send(self, frame: Frame) -> None:
        """There is no form for anything but sound."""

    def play(self, pcm: bytes) -> None:
        if self.inlet.closed or not pcm:
            return
        if self._wire.blocked:
            self.dropped += 1
        else:
            self._wire.write(sound(pcm, self.capabilities.rate_hz))

    def pause(self, epoch: int) -> None:
        """Nothing waits at the far end that could be held."""

    def resume(self, epoch: int) -> None: ...

    def clear(self, epoch: int) -> None: ...

    def close(self, reason: str) -> None:
        """Hang up."""
        if self.inlet.close():
            self._end(1000, reason)

    def fail(self, code: str, message: str) -> None:
        """Hang up for a fault; a caller cannot read what it was."""
        if self.inlet.close(code):
            self._end(1011, code)

    def _end(self, code: int, reason: str) -> None:
        self._wire.write(HANGUP)
        self._wire.close(code, reason)
