"""``/fork``: copies of a call's sound, from Asterisk's app_audiofork or FreeSWITCH's
mod_audio_fork (docs/asterisk.md). Plain ASGI, one WebSocket for one side, or for both."""

from __future__ import annotations

import asyncio
import json
from contextlib import ExitStack

import structlog

from engine.errors import AdmissionError, PalabreError
from server.calls import Calls, Prepared
from server.connection import Message, Receive, Send, connected, wire_of
from server.listening import Listening
from server.media import refuse
from telephony.asterisk.fork.stream import ForkRequest, ForkStream

__all__ = ["ForkRoute"]

log = structlog.get_logger()


class ForkRoute:
    """Takes forks; each side holds a place, as its recogniser costs what that of a call does."""

    def __init__(self, calls: Calls, listening: Listening) -> None:
        self._calls = calls
        self._listening = listening

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            query = scope["query_string"].decode("ascii", "replace")
            request = ForkRequest.parse(query, scope["subprotocols"])
            prepared = self._calls.prepare(request.scenario, request.language)
        except PalabreError as error:
            log.info("call.rejected", code=error.code, origin="fork")
            await _reject(send, error)
            return
        try:
            with ExitStack() as places, self._calls.metrics.websockets.track_inprogress():
                for _ in request.sides:
                    places.enter_context(self._calls.admit())
                await self._serve(request, prepared, scope, receive, send)
        except AdmissionError as error:
            await refuse(send, error)

    async def _serve(
        self,
        request: ForkRequest,
        prepared: Prepared,
        scope: Message,
        receive: Receive,
        send: Send,
    ) -> None:
        wire = wire_of(scope)
        stream = ForkStream(request, wire)
        name = request.call or self._calls.new_id()
        async with connected(self._calls, wire, receive, stream, name):
            await send({"type": "websocket.accept", "subprotocol": request.subprotocol or None})
            async with asyncio.TaskGroup() as group:
                for side in stream.sides:
                    group.create_task(
                        self._listening.hear(name, side.name, side, prepared, origin="fork"),
                        name=f"listening to {side.name}",
                    )


async def _reject(send: Send, error: PalabreError) -> None:
    body = json.dumps({"code": error.code, "message": str(error)}).encode()
    headers = [(b"content-type", b"application/json")]
    await send({"type": "websocket.http.response.start", "status": 400, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
