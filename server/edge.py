"""uvicorn's WebSocket with a direct way for sound.

ASGI hands a message to the application through a queue, a wake-up of its task and two system calls
that stop and restart reading; 50 times a second for every call that is most of what a call costs.
The extension ``palabre.push`` of the ASGI scope lets a media route take each message by direct
call as it is parsed, and write without waiting. A BINARY frame that comes whole and alone, as sound
does, is opened here; everything else, and whatever is odd about a frame, is websockets'. So are
handshake, keep-alive and closing, with uvicorn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN, Protocol
from websockets.speedups import apply_mask
from websockets.streams import StreamReader

__all__ = [
    "EXTENSION",
    "HIGH_WATER_BYTES",
    "SEND_BUFFER_BYTES",
    "ImpatientHttp",
    "MediaWebSocket",
    "PushWire",
    "at_rest",
]

EXTENSION = "palabre.push"

SEND_BUFFER_BYTES = 32 * 1024
"""SO_SNDBUF of the listening socket, which the connections inherit (Linux doubles it). Left alone
the kernel takes megabytes, minutes of sound, before it shows that nobody reads."""

HIGH_WATER_BYTES = 32 * 1024
"""What may wait behind that before a peer counts as not reading: a second of 16 kHz."""

SLICE_BYTES = 2048
"""What is parsed at a time: at most 341 frames (of 6 bytes, the least there is), some 5 ms."""

CREDIT = 1000.0
"""What a peer may cost in a second, and at once after a pause: 1 for a frame, 1 for a KiB. Sound at
48 kHz in frames of 20 ms costs 144; whoever sends more waits, by TCP's own means."""

REQUEST_S = 10.0
"""How long a request may take to arrive whole, as in nginx's and Apache's slow-client defences."""

GOODBYE_S = 2.0
"""How long a peer that was told why it is cut off has to read that."""


class PushWire:
    """An open connection: messages are pushed to `attach`ed receivers, writes do not wait."""

    def __init__(self, protocol: MediaWebSocket) -> None:
        self._protocol = protocol
        self.blocked = False
        self.held = 0
        """How often the peer had to wait, because it sent too much at once."""
        self.receiver: Callable[[bytes | str], None] | None = None
        self.farewell: Callable[[int], str | None] = lambda code: None
        self.stalled: Callable[[], None] = lambda: None

    def attach(
        self,
        receiver: Callable[[bytes | str], None],
        farewell: Callable[[int], str | None],
        stalled: Callable[[], None],
    ) -> None:
        """From now on give each message to `receiver`; before the handshake is accepted.

        `farewell` says the last TEXT message to a peer that is closed with a code because it broke
        the WebSocket protocol. `stalled` is called each time the peer begins not to read.
        """
        self.receiver = receiver
        self.farewell = farewell
        self.stalled = stalled
        self._protocol.transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)

    @property
    def waiting_bytes(self) -> int:
        """What was written and is not with the kernel yet."""
        return self._protocol.transport.get_write_buffer_size()

    @property
    def close_code(self) -> int:
        """Why the connection ended (RFC 6455, 7.4.1); 1006 where neither side said so."""
        conn = self._protocol.conn
        close = conn.close_rcvd or conn.close_sent
        return 1006 if close is None else close.code

    def write(self, message: bytes | str) -> None:
        """Send a message; one for a connection that is closing or gone is dropped."""
        protocol = self._protocol
        # A reset peer's transport is closed a turn of the loop before we are told.
        if protocol.conn.state is not OPEN or protocol.transport.is_closing():
            return
        if isinstance(message, bytes):
            protocol.transport.write(_head(len(message)) + message)
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
        # Not `close`, which would wait for ever for a peer that stopped reading.
        protocol.close_timer = protocol.loop.call_later(
            protocol.close_timeout, protocol.transport.abort
        )


class MediaWebSocket(WebSocketsSansIOProtocol):
    """What uvicorn is started with (``ws=MediaWebSocket``)."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.wire = PushWire(self)
        self._whole_bytes = 0  # how large a frame may be that is opened here; 0 where none may
        self._most_bytes = min(SLICE_BYTES, self.config.ws_max_size)
        self._credit = CREDIT
        self._earned_at = self.loop.time()
        self._held = b""
        self._holding: asyncio.TimerHandle | None = None

    def data_received(self, data: bytes) -> None:
        """Parse what came; a peer that sends more than it may is held, not its neighbours."""
        if len(data) <= self._whole_bytes and self._credit >= 0 and not self.close_sent:
            sound = whole_sound(data)
            if sound is not None:
                self._credit -= 1 + len(data) / 1024
                self.wire.receiver(sound)  # type: ignore[misc]
                return
        if self._holding is not None:  # read before reading was paused
            self._held += data
            return
        for start in range(0, len(data), SLICE_BYTES):
            piece = data[start : start + SLICE_BYTES]
            self._credit -= len(piece) / 1024
            self._take(piece)
            if self._credit < 0 and not self._earn() and not self.transport.is_closing():
                self._held = data[start + SLICE_BYTES :]
                self._holding = self.loop.call_later(-self._credit / CREDIT, self._release)
                self._whole_bytes = 0
                self.wire.held += 1
                self.transport.pause_reading()
                return

    def _earn(self) -> bool:
        """Credit comes with time; whether there is any now."""
        now = self.loop.time()
        self._credit = min(CREDIT, self._credit + (now - self._earned_at) * CREDIT)
        self._earned_at = now
        return self._credit >= 0

    def _release(self) -> None:
        self._holding = None
        if self.transport.is_closing():
            return
        held, self._held = self._held, b""
        self._earn()
        self.transport.resume_reading()
        self.data_received(held)

    def _take(self, data: bytes) -> None:
        """Have websockets parse `data`."""
        self.conn.receive_data(data)
        if self.conn.parser_exc is not None:
            self.handle_parser_exception()
        else:
            self._credit -= len(self.conn.events)
            self.handle_events()
        ready = self.wire.receiver is not None and not self.close_sent and at_rest(self.conn)
        self._whole_bytes = self._most_bytes if ready else 0

    def connection_lost(self, exc: Exception | None) -> None:
        if self._holding is not None:
            self._holding.cancel()
        super().connection_lost(exc)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if hasattr(self, "scope"):
            extensions: dict[str, Any] = self.scope["extensions"]
            extensions[EXTENSION] = self.wire

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
            self.conn.fail(1007, "text is not UTF-8")
            self.handle_parser_exception()
            return
        receiver(text)

    def handle_parser_exception(self) -> None:
        """The peer broke the protocol: say so, and read on (what comes is discarded) until it has
        read that. Closing with its bytes unread would reset the connection, and the reason with it.
        """
        if self.close_sent:  # called again for whatever still comes
            return
        close = self.conn.close_sent
        assert close is not None
        last = self.wire.farewell(close.code)
        if last is not None:
            self.transport.write(Frame(Opcode.TEXT, last.encode()).serialize(mask=False))
        disconnect = {"type": "websocket.disconnect", "code": close.code, "reason": close.reason}
        self.queue.put_nowait(disconnect)  # type: ignore[arg-type]
        self.close_sent = True
        self.flush()
        self.transport.write_eof()
        self.close_timer = self.loop.call_later(GOODBYE_S, self.transport.abort)

    def handle_ping(self) -> None:
        if self.wire.blocked:  # pongs for a peer that does not read would pile up
            self.conn.data_to_send()
        else:
            super().handle_ping()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.wire.blocked = True
        self.wire.stalled()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.wire.blocked = False

    def flush(self) -> None:
        for chunk in self.conn.data_to_send():
            if chunk:
                self.transport.write(chunk)


def whole_sound(data: bytes) -> bytes | None:
    """The payload, if `data` is one whole BINARY frame of a client (RFC 6455, 5.2) of less than
    64 KiB, with nothing before or after it."""
    if len(data) < 6 or data[0] != 0x82:  # FIN, no extension, BINARY
        return None
    length = data[1] - 0x80  # the mask bit
    if length == 126:
        if len(data) == 8 + (data[2] << 8 | data[3]):
            return apply_mask(data[8:], data[4:8])
    elif len(data) == 6 + length:
        return apply_mask(data[6:], data[2:6])
    return None


@lru_cache(maxsize=64)
def _head(size: int) -> bytes:
    """What goes before a BINARY frame of `size` bytes of ours."""
    whole = Frame(Opcode.BINARY, bytes(size)).serialize(mask=False)
    return whole[: len(whole) - size]


def at_rest(conn: Protocol) -> bool:
    """No frame is half read, and no message half received: the parser waits for a frame's first
    byte. It is a generator, and has no other way to tell."""
    waiting: Any = conn.parser
    for _ in range(2):  # the server's, in it that of frames, in that what it waits for
        waiting = getattr(waiting, "gi_yieldfrom", None)
    at_eof = waiting is not None and waiting.gi_code is StreamReader.at_eof.__code__
    return at_eof and conn.current_size is None


class ImpatientHttp(H11Protocol):
    """uvicorn's HTTP, but a request that has not arrived whole within `REQUEST_S` ends its
    connection: clients that open and say nothing, or a byte a minute, would hold it for ever."""

    patience_s = REQUEST_S
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._content()
        elif self._patience is None and self.transport.get_protocol() is self:
            self._expect()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        self._content()
        super().handle_websocket_upgrade(event)

    def connection_lost(self, exc: Exception | None) -> None:
        self._content()
        super().connection_lost(exc)

    def _expect(self) -> None:
        self._patience = self.loop.call_later(self.patience_s, self._give_up)

    def _content(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _give_up(self) -> None:
        self.logger.warning("A request did not arrive in time.")
        self.transport.abort()
