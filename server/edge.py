"""uvicorn's WebSocket with a direct way for sound.

ASGI hands a message to the application through a queue, a wake-up of its task and two system calls
that stop and restart reading; 50 times a second for every call that is most of what a call costs.
The extension ``palabre.push`` of the ASGI scope lets a media route take each message by direct
call as it is parsed, and write without waiting. Handshake, framing, keep-alive and closing stay
uvicorn's and websockets'.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.http11 import Request
from websockets.protocol import OPEN

__all__ = ["EXTENSION", "MediaWebSocket", "PushWire"]

EXTENSION = "palabre.push"

HIGH_WATER_BYTES = 64 * 1024
"""Sound that may wait in the socket before a peer counts as not reading: two seconds of 16 kHz."""


class PushWire:
    """An open connection: messages are pushed to `attach`ed receivers, writes do not wait."""

    def __init__(self, protocol: MediaWebSocket) -> None:
        self._protocol = protocol
        self.blocked = False
        self.receiver: Callable[[bytes | str], None] | None = None

    def attach(self, receiver: Callable[[bytes | str], None]) -> None:
        """From now on give each message to `receiver`; before the handshake is accepted."""
        self.receiver = receiver
        self._protocol.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    def write(self, message: bytes | str) -> None:
        """Send a message; one for a connection that is closing is dropped."""
        protocol = self._protocol
        if protocol.conn.state is not OPEN:
            return
        if isinstance(message, bytes):
            protocol.conn.send_binary(message)
        else:
            protocol.conn.send_text(message.encode())
        protocol.flush()

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake; a peer that does not read is cut off."""
        protocol = self._protocol
        if protocol.conn.state is not OPEN:
            return
        if self.blocked:
            protocol.transport.abort()
            return
        protocol.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        protocol.close_sent = True
        protocol.conn.send_close(code, reason[:120])
        protocol.flush()
        protocol.close_timer = protocol.loop.call_later(
            protocol.close_timeout, protocol.transport.close
        )


class MediaWebSocket(WebSocketsSansIOProtocol):
    """What uvicorn is started with (``ws=MediaWebSocket``)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wire = PushWire(self)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = self.wire

    def handle_bytes(self, event: Frame) -> None:
        receiver = self.wire.receiver
        if receiver is not None and event.fin and not self.close_sent:
            receiver(bytes(event.data))
        else:
            super().handle_bytes(event)

    def send_receive_event_to_app(self) -> None:
        receiver = self.wire.receiver
        if receiver is None:
            super().send_receive_event_to_app()
            return
        data = b"".join(self.frames)
        self.frames = []
        if self.close_sent:
            return
        if self.curr_msg_data_type == "bytes":
            receiver(data)
            return
        try:
            text = data.decode()
        except UnicodeDecodeError:
            self.wire.close(1007, "text is not UTF-8")
            return
        receiver(text)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.wire.blocked = True

    def resume_writing(self) -> None:
        super().resume_writing()
        self.wire.blocked = False

    def flush(self) -> None:
        for chunk in self.conn.data_to_send():
            if chunk:
                self.transport.write(chunk)
