"""A carrier's media stream as a channel: its codec on one side, an open WebSocket on the other.

Carriers play what they are sent, drop it when told to, and most send marks back once they have
played what was before them. None pauses, and none says how far it had got when it cleared: marks of
ours, between those of the lines, tell that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from engine.channel import Capabilities
from engine.errors import ProtocolError
from engine.frames import Cleared, Frame, Hangup, Mark, Played, Say
from telephony.inlet import Inlet
from telephony.wire import Unread, Wire

__all__ = ["Begun", "StreamChannel", "StreamCodec"]

POSITION_MS = 200.0
"""A mark of ours follows so much sound: five small messages a second, and what was played is known
to the frame once the carrier drops the rest."""

OURS = "@"
"""What names of our own marks begin with; those of lines are numbers."""


@dataclass(frozen=True, slots=True)
class Begun:
    """A stream begins. `called` is the number that was called, `parameters` what was given to the
    carrier for this call."""

    call_id: str
    called: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)


class StreamCodec(Protocol):
    """One connection of one carrier: messages in, frames out, and back. No I/O, no clock."""

    capabilities: Capabilities

    def decode(self, message: bytes | str, now: float) -> Begun | Frame | None:
        """A message that arrived at `now`; None for one that says nothing to us. Raises
        ProtocolError for one that makes no sense."""
        ...

    def sound(self, pcm: bytes) -> bytes | str | None:
        """The message for s16le mono at the capabilities' rate; None if it waits for more."""
        ...

    def mark(self, name: str) -> bytes | str | None:
        """None for a carrier that knows no marks."""
        ...

    def clear(self) -> bytes | str | None: ...


@dataclass(frozen=True, slots=True)
class _Awaited:
    name: str
    epoch: int
    at_ms: float


class StreamChannel:
    """One call's way through a carrier's stream. `begun` is told how the stream begins, and None at
    its end, which may come first. `now` of its methods is the edge's clock."""

    def __init__(
        self, codec: StreamCodec, wire: Wire, begun: Callable[[Begun | None], None]
    ) -> None:
        self.capabilities = codec.capabilities
        self.dropped = 0
        self.inlet = Inlet()
        self.attach = self.inlet.attach
        self._codec = codec
        self._wire = wire
        self._begun = begun
        self._unread = Unread(wire)
        # What was sent of the turn, and how far the carrier says it has got.
        self._epoch = 0
        self._sent_ms = 0.0
        self._next_mark_ms = 0.0
        self._awaited: deque[_Awaited] = deque()
        self._reached = _Awaited("", 0, 0.0)
        self._reached_at = 0.0
        self._dropped_marks: dict[str, _Awaited] = {}
        self._clearing: int | None = None

    # From the carrier

    def received(self, message: bytes | str, now: float) -> None:
        """A whole message arrived."""
        if self.inlet.closed:
            return
        try:
            event = self._codec.decode(message, now)
        except ProtocolError as error:
            self.inlet.faults[error.code] += 1
            return
        match event:
            case None:
                pass
            case Begun():
                self._begun(event)
            case Hangup():
                self.lost(event.reason)
            case Played():
                self._came_back(event)
            case _:
                self.inlet.deliver(event)

    def _came_back(self, played: Played) -> None:
        dropped = self._dropped_marks.pop(played.name, None)
        if dropped is not None:
            self._answer_clear(dropped, played.at)
            return
        if all(awaited.name != played.name for awaited in self._awaited):
            return
        while (reached := self._awaited.popleft()).name != played.name:
            pass
        self._reached, self._reached_at = reached, played.at
        if not played.name.startswith(OURS):
            self.inlet.deliver(played)

    def _answer_clear(self, dropped: _Awaited, now: float) -> None:
        """The first mark that came back unplayed tells when the sound was dropped: as long after
        the last one that was played as it arrived after it."""
        epoch = self._clearing
        if epoch is None or dropped.epoch != epoch:
            return
        self._clearing = None
        played_ms = 0.0
        if self._reached.epoch == epoch:
            since_ms = (now - self._reached_at) * 1000
            played_ms = min(self._reached.at_ms + since_ms, dropped.at_ms)
        self.inlet.deliver(Cleared(epoch, max(0.0, played_ms), now))

    def lost(self, reason: str, fault: str | None = None) -> None:
        """The connection or the call is gone; `fault` is the code of why, where that is one."""
        self.close(reason)
        self.inlet.lost(reason, fault)
        self._begun(None)

    def watch(self, now: float) -> None:
        """Called while the carrier does not read, and once after: it may be given up."""
        if self._unread.too_long(now) and not self.inlet.closed:
            self.lost("stalled", "client.stalled")

    # To the carrier

    def send(self, frame: Frame) -> None:
        match frame:
            case Say(epoch=epoch) if epoch != self._epoch:
                self._epoch = epoch
                self._sent_ms = self._next_mark_ms = 0.0
            case Mark(name=name):
                self._mark(name)
            case _:
                pass

    def play(self, pcm: bytes) -> None:
        if self.inlet.closed:
            return
        if self._wire.blocked:
            self.dropped += 1
            return
        if not self._sent_ms:
            self._mark_position()
        self._write(self._codec.sound(pcm))
        self._sent_ms += len(pcm) * 500 / self.capabilities.rate_hz
        if self._sent_ms >= self._next_mark_ms:
            self._mark_position()

    def _mark_position(self) -> None:
        self._mark(f"{OURS}{self._epoch}.{self._sent_ms:.0f}")
        self._next_mark_ms = self._sent_ms + POSITION_MS

    def _mark(self, name: str) -> None:
        message = self._codec.mark(name)
        if message is not None:
            self._write(message)
            self._awaited.append(_Awaited(name, self._epoch, self._sent_ms))

    def _write(self, message: bytes | str | None) -> None:
        if message is not None and not self.inlet.closed:
            self._wire.write(message)

    def pause(self, epoch: int) -> None:
        """Carriers cannot."""

    def resume(self, epoch: int) -> None:
        """Carriers cannot."""

    def clear(self, epoch: int) -> None:
        message = self._codec.clear()
        if message is not None:
            self._write(message)
            self._dropped_marks = {awaited.name: awaited for awaited in self._awaited}
            self._awaited.clear()
            self._clearing = epoch

    def close(self, reason: str) -> None:
        """Hang up: the carrier ends the call when its stream ends."""
        if self.inlet.close():
            self._wire.close(1000, reason)

    def fail(self, code: str, message: str) -> None:
        """End a call that cannot go on; a carrier's stream has no words for why."""
        if self.inlet.close(code):
            self._wire.close(1000, code)
