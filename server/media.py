"""The media route: plain ASGI, one call per WebSocket (docs/protocols/media.md)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from engine.errors import AdmissionError, PalabreError, ProtocolError
from server.calls import Calls
from server.edge import EXTENSION, PushWire
from telephony.media.channel import MediaChannel
from telephony.media.protocol import MediaRequest, ended, farewell, start

__all__ = ["MediaRoute", "Message", "Receive", "Send", "refuse"]

log = structlog.get_logger()

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class MediaRoute:
    """Serves calls until told to stop."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        connections = self._calls.metrics.websockets
        try:
            with self._calls.admit(), connections.track_inprogress():
                await self._serve(scope, receive, send)
        except AdmissionError as error:
            await refuse(send, error)

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        calls = self._calls
        wire: PushWire = scope["extensions"][EXTENSION]
        session_id = calls.new_id()
        try:
            request = MediaRequest.parse(
                scope["query_string"].decode("ascii", "replace"),
                calls.parts.scenarios,
                calls.parts.default,
            )
            prepared = calls.prepare(request.scenario, request.language)
        except PalabreError as error:
            await _reject(send, error)
            log.info("call.rejected", code=error.code)
            return
        channel = MediaChannel(request, wire)

        def receive_message(message: bytes | str) -> None:
            try:
                channel.received(message, calls.clock.now())
            except Exception as error:  # noqa: BLE001 the border: the next call must not notice
                calls.failed(channel, session_id, error)
                channel.lost("error")

        def watch_reader(now: float) -> None:
            channel.watch(now)
            if not wire.blocked:
                calls.ticker.remove(channel)

        wire.attach(receive_message, farewell, lambda: calls.ticker.add(channel, watch_reader))
        await send({"type": "websocket.accept"})
        wire.write(
            start(
                session_id,
                prepared.scenario,
                prepared.language,
                channel.capabilities,
                prepared.speech.notice,
            )
        )
        watching = asyncio.create_task(_watch(channel, wire, receive), name="connection")
        try:
            await calls.run(
                session_id, channel, prepared, origin="media", account=lambda: {"held": wire.held}
            )
        finally:
            calls.ticker.remove(channel)
            watching.cancel()
            await asyncio.wait({watching})


async def _watch(channel: MediaChannel, wire: PushWire, receive: Receive) -> None:
    """See the connection end; sound and control do not come this way, but for what a client sent
    before its handshake was answered, which is dropped."""
    while (await receive())["type"] != "websocket.disconnect":
        pass
    channel.lost("caller", ended(wire.close_code))


async def refuse(send: Send, error: AdmissionError) -> None:
    """503 before the handshake, as load balancers understand it."""
    body = json.dumps({"code": error.code, "message": str(error)}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"retry-after", str(error.retry_after_s).encode()),
    ]
    await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def _reject(send: Send, error: PalabreError) -> None:
    """Accept, say what was wrong, close: a browser cannot read a refused handshake."""
    message = {"type": "error", "code": error.code, "message": str(error), "fatal": True}
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": json.dumps(message)})
    code = error.close_code if isinstance(error, ProtocolError) else None
    await send({"type": "websocket.close", "code": code or 1011, "reason": error.code})
