"""A WebSocket that we dial, with the direct way for sound that `server.edge` has for those that are
dialled to us: a message is handed over as it is parsed, and writing does not wait.

A BINARY frame that comes whole and alone, as sound does, is opened here; everything else is
websockets'.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI
from websockets.frames import CloseCode, Frame, Opcode
from websockets.http11 import Response
from websockets.protocol import OPEN
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from engine.errors import ConfigurationError, PalabreError
from server.connection import Message
from server.edge import HIGH_WATER_BYTES, SEND_BUFFER_BYTES, at_rest

__all__ = ["DialError", "DialledWire", "whole_sound"]

GOODBYE_S = 2.0
"""How long the other side has for its part of the closing handshake."""


class DialError(PalabreError):
    """No connection came about; `status` is the HTTP status of a refusal."""

    code = "dial.failed"

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class DialledWire(asyncio.Protocol):
    """A connection to `url`: `attach`, then `open` it. Messages of more than `max_bytes` end it.

    Raises ConfigurationError for what is no WebSocket's URL.
    """

    def __init__(self, url: str, *, subprotocol: str, max_bytes: int) -> None:
        try:
            uri = parse_uri(url)
        except InvalidURI as error:
            raise ConfigurationError(
                f"{error}; a WebSocket's begins with ws:// or wss://"
            ) from None
        self._uri = uri
        self._conn = ClientProtocol(
            uri, subprotocols=[Subprotocol(subprotocol)], max_size=max_bytes
        )
        self._transport: asyncio.Transport | None = None
        self._opened: asyncio.Future[None] | None = None
        self._ended = asyncio.Event()
        self._goodbye: asyncio.TimerHandle | None = None
        self._parts: list[bytes] = []
        self._parts_text = False
        self._resting = False
        self.blocked = False
        self.held = 0
        """A peer that we chose is never made to wait."""
        self._receiver: Callable[[bytes | str], None] = lambda message: None
        self._stalled: Callable[[], None] = lambda: None

    def attach(
        self,
        receiver: Callable[[bytes | str], None],
        farewell: Callable[[int], str | None],
        stalled: Callable[[], None],
    ) -> None:
        """Give each message to `receiver`; call `stalled` each time the peer begins not to read. A
        peer that breaks the protocol is told by the close code alone, not by `farewell`."""
        self._receiver = receiver
        self._stalled = stalled

    async def open(self) -> None:
        """Connect. Raises DialError; cancelling is safe, and leaves nothing open."""
        loop = asyncio.get_running_loop()
        self._opened = loop.create_future()
        uri = self._uri
        try:
            await loop.create_connection(
                lambda: self,
                uri.host,
                uri.port,
                ssl=ssl.create_default_context() if uri.secure else None,
            )
            await self._opened
        except OSError as error:
            where = urlsplit(f"//{uri.host}:{uri.port}").netloc
            raise DialError(f"{where} cannot be reached: {error.strerror or error}") from None
        finally:
            if self._conn.state is not OPEN and self._transport is not None:
                self._opened.cancel()  # who was cancelled while it connected waits for it no more
                self._transport.abort()
                await self._ended.wait()

    async def receive(self) -> Message:
        """As of an ASGI connection: waits for its end, which is all that comes this way.
        Cancelling is safe."""
        await self._ended.wait()
        return {"type": "websocket.disconnect", "code": self.close_code}

    # telephony.wire.Wire

    @property
    def waiting_bytes(self) -> int:
        """What was written and is not with the kernel yet."""
        return 0 if self._transport is None else self._transport.get_write_buffer_size()

    @property
    def close_code(self) -> int:
        """Why the connection ended (RFC 6455, 7.4.1); 1006 where neither side said so."""
        close = self._conn.close_rcvd or self._conn.close_sent
        return CloseCode.ABNORMAL_CLOSURE if close is None else close.code

    def write(self, message: bytes | str) -> None:
        """Send a message; one for a connection that is not open is dropped."""
        transport = self._transport
        if transport is None or self._conn.state is not OPEN or transport.is_closing():
            return
        if isinstance(message, bytes):
            transport.write(Frame(Opcode.BINARY, message).serialize(mask=True))
        else:
            self._conn.send_text(message.encode())
            self._flush()

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake; a peer that does not read is cut off."""
        transport = self._transport
        if transport is None or self._conn.state is not OPEN:
            return
        if self.blocked:
            transport.abort()
            return
        self._conn.send_close(code, reason[:120])
        self._flush()
        self._goodbye = asyncio.get_running_loop().call_later(GOODBYE_S, transport.abort)

    async def closed(self) -> None:
        """Wait for the end of a connection that was opened. Cancelling is safe."""
        await self._ended.wait()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        sock: socket.socket = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self._conn.send_request(self._conn.connect())
        self._flush()

    def data_received(self, data: bytes) -> None:
        if self._resting:
            sound = whole_sound(data)
            if sound is not None:
                self._receiver(sound)
                return
        self._conn.receive_data(data)
        for event in self._conn.events_received():
            if isinstance(event, Frame):
                self._take(event)
            elif isinstance(event, Response):
                self._answered()
        self._flush()
        self._resting = self._conn.state is OPEN and at_rest(self._conn)

    def _answered(self) -> None:
        """The handshake is over."""
        opened = self._opened
        if opened is None or opened.done():
            return
        error = self._conn.handshake_exc
        if error is None:
            opened.set_result(None)
        else:
            opened.set_exception(_refused(error))

    def _take(self, frame: Frame) -> None:
        match frame.opcode:
            case Opcode.TEXT | Opcode.BINARY:
                self._parts = [bytes(frame.data)]
                self._parts_text = frame.opcode is Opcode.TEXT
            case Opcode.CONT:
                self._parts.append(bytes(frame.data))
            case _:  # pings are answered and a close is echoed by websockets
                return
        if frame.fin:
            message = b"".join(self._parts)
            self._parts = []
            self._receiver(message.decode(errors="replace") if self._parts_text else message)

    def eof_received(self) -> None:
        self._conn.receive_eof()
        self._flush()

    def connection_lost(self, exc: Exception | None) -> None:
        self._conn.receive_eof()
        if self._goodbye is not None:
            self._goodbye.cancel()
        if self._opened is not None and not self._opened.done():
            error = self._conn.handshake_exc
            self._opened.set_exception(
                DialError("the other side hung up") if error is None else _refused(error)
            )
        self._ended.set()

    def pause_writing(self) -> None:
        self.blocked = True
        self._stalled()

    def resume_writing(self) -> None:
        self.blocked = False

    def _flush(self) -> None:
        transport = self._transport
        assert transport is not None
        for chunk in self._conn.data_to_send():
            if transport.is_closing():
                return
            if chunk:
                transport.write(chunk)
            elif self._conn.state is not OPEN:
                transport.close()


def _refused(error: Exception) -> DialError:
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        return DialError(f"the other side answered {status}", status)
    why = str(error) if isinstance(error, InvalidHandshake) else type(error).__name__
    return DialError(f"the other side is no WebSocket server: {why}")


def whole_sound(data: bytes) -> bytes | None:
    """The payload, if `data` is one whole BINARY frame of a server (RFC 6455, 5.2) of less than
    64 KiB, with nothing before or after it."""
    if len(data) < 2 or data[0] != 0x82:  # FIN, no extension, BINARY
        return None
    length = data[1]  # no mask bit
    if length == 126:
        whole = len(data) > 4 and len(data) == 4 + (data[2] << 8 | data[3])
        return data[4:] if whole else None
    return data[2:] if len(data) == 2 + length and length < 126 else None
