"""The media route: plain ASGI, one call per WebSocket (docs/protocols/media.md)."""

from __future__ import annotations

import json

import structlog

from engine.errors import AdmissionError, PalabreError, ProtocolError
from server.calls import Calls
from server.connection import Message, Receive, Send, connected, wire_of
from telephony.media.channel import MediaChannel
from telephony.media.protocol import MediaRequest, ended, farewell, start

__all__ = ["MediaRoute", "refuse"]

log = structlog.get_logger()


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
        wire = wire_of(scope)
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

        async with connected(
            calls, wire, receive, channel, session_id, farewell=farewell, ended=ended
        ):
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
            await calls.run(
                session_id, channel, prepared, origin="media", account=lambda: {"held": wire.held}
            )


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
