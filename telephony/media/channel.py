"""The media WebSocket as a channel: frames on one side, an open connection on the other."""

from __future__ import annotations

from collections import Counter

from engine.channel import Capabilities, Receiver
from engine.errors import ProtocolError
from engine.frames import Frame, Hangup, Notice
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
        self.faults: Counter[str] = Counter()
        """Messages that made no sense, by code."""
        self.fault: str | None = None
        """The code of what ended the call before its time."""
        self._pause = "pause" in request.features
        self._clear = "clear" in request.features
        self._wire = wire
        self._decoder = MediaDecoder(request.rate_hz)
        self._receiver: Receiver | None = None
        self._closed = False
        self._lost: Hangup | None = None
        self._unread = Unread(wire)
        self._noticed_at: dict[str, float] = {}

    # From the client

    def attach(self, receiver: Receiver) -> None:
        self._receiver = receiver
        if self._lost is not None:
            receiver(self._lost)

    def received(self, message: bytes | str, now: float) -> None:
        """A whole message arrived."""
        if self._closed or (self._receiver is None and isinstance(message, bytes)):
            return
        try:
            if isinstance(message, bytes):
                frame: Frame = self._decoder.sound(message, now)
            else:
                frame = self._decoder.control(message, now)
        except ProtocolError as error:
            self.faults[error.code] += 1
            last = self._noticed_at.get(error.code)
            if last is None or now - last >= NOTICES_PER_S:
                self._noticed_at[error.code] = now
                self.send(Notice(error.code, str(error)))
            return
        self._deliver(frame)

    def _deliver(self, frame: Frame) -> None:
        """A hang-up is kept for whoever attaches next."""
        if self._receiver is not None:
            self._receiver(frame)
        elif isinstance(frame, Hangup):
            self._lost = frame

    def lost(self, reason: str, fault: str | None = None) -> None:
        """The connection is gone; `fault` is the code of why, where that is one."""
        self._closed = True
        self.fault = self.fault or fault
        self._deliver(Hangup(reason))

    def watch(self, now: float) -> None:
        """Called while the client does not read, and once after: it may be given up."""
        if self._unread.too_long(now) and not self._closed:
            self.lost("stalled", "client.stalled")
            self._wire.close(1008, "client.stalled")

    # To the client

    def send(self, frame: Frame) -> None:
        text = encode(frame)
        if text is not None and not self._closed:
            self._wire.write(text)

    def play(self, pcm: bytes) -> None:
        if self._closed:
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
        if not self._closed:
            self._wire.write(command(kind, epoch))

    def close(self, reason: str) -> None:
        """Hang up with `reason`."""
        if not self._closed:
            self.send(Hangup(reason))
            self._closed = True
            self._wire.close(1000, reason)

    def fail(self, code: str, message: str) -> None:
        """Tell a fault that ends the call, and close."""
        if not self._closed:
            self.send(Notice(code, message, fatal=True))
            self._closed = True
            self.fault = code
            self._wire.close(RESTART if code == "server.draining" else FAULT, code)
