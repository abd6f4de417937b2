"""The media WebSocket as a channel: frames on one side, an open connection on the other."""

from __future__ import annotations

from engine.channel import Capabilities
from engine.errors import ProtocolError
from engine.frames import Frame, Hangup, Notice
from telephony.inlet import Inlet
from telephony.media.protocol import MediaDecoder, MediaRequest, command, encode
from telephony.wire import Unread, Wire

__all__ = ["MediaChannel"]

RESTART, FAULT = 1012, 1011
"""WebSocket close codes for a server that stops and for one that failed (RFC 6455, 7.4.1, and
IANA's registry of close codes)."""

NOTICES_PER_S = 1.0
"""A client that sends nothing but faults is told once a second; the rest is counted."""


class MediaChannel:
    """One call's way through a media WebSocket. `now` of its methods is the edge's clock."""

    def __init__(self, request: MediaRequest, wire: Wire) -> None:
        self.capabilities: Capabilities = request.capabilities()
        self.dropped = 0
        """Frames of sound not sent because the client did not read."""
        self.inlet = Inlet()
        self.attach = self.inlet.attach
        self.lost = self.inlet.lost
        self._pause = "pause" in request.features
        self._clear = "clear" in request.features
        self._wire = wire
        self._decoder = MediaDecoder(request.rate_hz)
        self._unread = Unread(wire)
        self._noticed_at: dict[str, float] = {}

    # From the client

    def received(self, message: bytes | str, now: float) -> None:
        """A whole message arrived."""
        if self.inlet.closed:
            return
        try:
            if isinstance(message, bytes):
                frame: Frame = self._decoder.sound(message, now)
            else:
                frame = self._decoder.control(message, now)
        except ProtocolError as error:
            self.inlet.faults[error.code] += 1
            last = self._noticed_at.get(error.code)
            if last is None or now - last >= NOTICES_PER_S:
                self._noticed_at[error.code] = now
                self.send(Notice(error.code, str(error)))
            return
        self.inlet.deliver(frame)

    def watch(self, now: float) -> None:
        """Called while the client does not read, and once after: it may be given up."""
        if self._unread.too_long(now) and not self.inlet.closed:
            self.lost("stalled", "client.stalled")
            self._wire.close(1008, "client.stalled")

    # To the client

    def send(self, frame: Frame) -> None:
        if not self.inlet.closed:
            self._tell(frame)

    def _tell(self, frame: Frame) -> None:
        text = encode(frame)
        if text is not None:
            self._wire.write(text)

    def play(self, pcm: bytes) -> None:
        if self.inlet.closed:
            return
        if self._wire.blocked:
            self.dropped += 1
        else:
            self._wire.write(pcm)

    def pause(self, epoch: int) -> None:
        if self._pause:
            self._command("pause", epoch)

    def resume(self, epoch: int) -> None:
        if self._pause:
            self._command("resume", epoch)

    def clear(self, epoch: int) -> None:
        if self._clear:
            self._command("clear", epoch)

    def _command(self, kind: str, epoch: int) -> None:
        if not self.inlet.closed:
            self._wire.write(command(kind, epoch))

    def close(self, reason: str) -> None:
        """Hang up with `reason`."""
        if self.inlet.close():
            self._tell(Hangup(reason))
            self._wire.close(1000, reason)

    def fail(self, code: str, message: str) -> None:
        """Tell a fault that ends the call, and close."""
        if self.inlet.close(code):
            self._tell(Notice(code, message, fatal=True))
            self._wire.close(RESTART if code == "server.draining" else FAULT, code)
