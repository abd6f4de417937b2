"""The sound of Asterisk's calls, whichever side dials (docs/asterisk.md).

Client mode: Asterisk dials our ``/media`` with the subprotocol ``media``. Server mode: we dial its
``/media/<id>``. A call of the dialplan alone is served here; one that ARI brings is waited for by
whoever controls it (`AsteriskMedia.expect`).
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import structlog

from engine.errors import AdmissionError, PalabreError
from server.asterisk.dialled import DialError, DialledWire
from server.asterisk.line import START_S, Line, MediaError, ended
from server.calls import Calls, Prepared
from server.connection import Message, Receive, Send, connected, wire_of
from server.listening import Listening
from server.media import refuse
from server.settings import Settings
from telephony.asterisk.media.channel import AsteriskChannel
from telephony.asterisk.media.protocol import MAX_BYTES

__all__ = ["SUBPROTOCOL", "AsteriskMedia", "Waiting"]

log = structlog.get_logger()

SUBPROTOCOL = "media"
"""What Asterisk asks for, and what tells its connections from others."""

FORMAT = "slin16"
"""The recognisers' own, so that nothing is resampled."""

ID_VARIABLE = "MEDIA_WEBSOCKET_CONNECTION_ID"


class AsteriskMedia:
    """Both modes behind one door. As an ASGI application it takes the WebSockets that Asterisk
    dials.

    `user` and `password` are what Asterisk has to show (websocket_client.conf); nothing has to be
    shown where there is no password. `client` names that configuration where calls of ARI are to be
    dialled by Asterisk; without it we dial `url`, Asterisk's HTTP server as ``ws://host:8088``.
    """

    def __init__(
        self,
        calls: Calls,
        listening: Listening,
        *,
        user: str = "",
        password: str = "",
        client: str = "",
        url: str = "",
    ) -> None:
        self._calls = calls
        self._listening = listening
        basic = base64.b64encode(f"{user}:{password}".encode())
        self._credentials = b"Basic " + basic if password else b""
        self._client = client
        self._url = url.rstrip("/")
        self._expected: dict[str, Waiting] = {}

    @classmethod
    def of(cls, calls: Calls, listening: Listening, settings: Settings) -> AsteriskMedia:
        """As the settings have it."""
        http = urlsplit(settings.ari_url)
        password = settings.asterisk_media_password
        return cls(
            calls,
            listening,
            user=settings.asterisk_media_user,
            password="" if password is None else password.get_secret_value(),
            client="" if settings.ari_media == "server" else settings.ari_media,
            url=urlunsplit(
                (
                    "wss" if http.scheme == "https" else "ws",
                    http.netloc,
                    http.path.rstrip("/").removesuffix("/ari"),  # http.conf may have a prefix
                    "",
                    "",
                )
            ),
        )

    # For whoever controls calls through ARI

    def external_media(self, call_id: str) -> dict[str, str]:
        """The query of ``POST /channels/externalMedia`` for the call that `expect` waits for."""
        query = {"transport": "websocket", "encapsulation": "none", "format": FORMAT}
        if self._client:
            variables = f"f(json)v(call={quote(call_id, safe='')})"
            return query | {"external_host": self._client, "transport_data": variables}
        return query | {
            "external_host": "INCOMING",
            "connection_type": "server",
            "transport_data": "f(json)",
        }

    @asynccontextmanager
    async def expect(self, call_id: str) -> AsyncIterator[Waiting]:
        """Wait for the sound of the call `call_id`: entered before externalMedia is asked for. On
        leaving, its connection is closed if it is not yet."""
        async with AsyncExitStack() as stack:
            waiting = Waiting(self._calls, call_id, self._client, self._url, stack)
            self._expected[call_id] = waiting
            try:
                yield waiting
            finally:
                del self._expected[call_id]
                waiting.over.set()
                if waiting.line is not None:
                    waiting.line.wire.close(1000, "completed")

    # Asterisk dials us

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        shown = dict(scope["headers"]).get(b"authorization", b"")
        if self._credentials and not hmac.compare_digest(self._credentials, shown):
            log.warning("asterisk.credentials_wrong")
            await _decline(
                send,
                401,
                "asterisk.credentials",
                "username and password in websocket_client.conf are not "
                "PALABRE_ASTERISK_MEDIA_USER and PALABRE_ASTERISK_MEDIA_PASSWORD",
            )
            return
        given = parse_qs(scope["query_string"].decode("ascii", "replace"))
        asked = {name: values[-1] for name, values in given.items()}
        waiting = self._expected.get(asked.get("call", ""))
        connections = self._calls.metrics.websockets
        try:
            with connections.track_inprogress():
                if waiting is None:
                    with self._calls.admit():
                        await self._serve(asked, scope, receive, send)
                elif waiting.line is None:
                    await waiting.take(scope, receive, send)
                else:
                    await _decline(send, 409, "asterisk.call_taken", "this call has its sound")
        except AdmissionError as error:
            await refuse(send, error)

    async def _serve(
        self, asked: Mapping[str, str], scope: Message, receive: Receive, send: Send
    ) -> None:
        """A call of the dialplan: it asks for a scenario, or its number does; or it is one between
        others, of which we are to ``listen`` to one ``side``."""
        calls = self._calls
        session_id = calls.new_id()
        facts = log.bind(call_id=session_id)
        try:
            prepared = self._prepare(asked)
        except PalabreError as error:
            facts.warning("call.rejected", code=error.code, obstacle=str(error))
            await _decline(send, 404, error.code, str(error))
            return
        wire = wire_of(scope)
        line = Line(wire)
        async with connected(calls, wire, receive, line, session_id, ended=ended):
            await _accept(send)
            try:
                channel = await line.start()
            except PalabreError as error:
                facts.warning("call.rejected", code=error.code, obstacle=str(error))
                wire.close(1008, error.code)
                return
            facts.info("asterisk.call", channel_id=channel.start.channel_id)
            if "listen" in asked:
                channel.answer()
                await self._listening.hear(
                    asked["listen"],
                    asked.get("side") or "caller",
                    channel,
                    prepared,
                    origin="asterisk",
                )
                return
            await calls.run(
                session_id,
                channel,
                prepared,
                origin="asterisk",
                started=lambda call: channel.answer(),
                account=lambda: {"held": wire.held},
            )

    def _prepare(self, asked: Mapping[str, str]) -> Prepared:
        if "scenario" in asked or "language" in asked:
            return self._calls.prepare(asked.get("scenario", ""), asked.get("language", ""))
        return self._calls.prepare_for(asked.get("to", ""))


class Waiting:
    """The sound of one call, as it is waited for. `line` is its connection once there is one."""

    def __init__(
        self, calls: Calls, call_id: str, client: str, url: str, stack: AsyncExitStack
    ) -> None:
        self._calls = calls
        self._call_id = call_id
        self._client = client
        self._url = url
        self._stack = stack
        self._came = asyncio.Event()
        self.line: Line | None = None
        self.over = asyncio.Event()

    async def open(self, variables: Mapping[str, str]) -> AsteriskChannel:
        """The channel, once Asterisk has said what it carries; `variables` are those that the
        media channel was made with. Raises MediaError, ProtocolError or ConfigurationError.
        Cancelling is safe."""
        if self._client:
            await self._dialled_by_asterisk()
        else:
            await self._dial(variables)
        assert self.line is not None
        return await self.line.start()

    async def _dialled_by_asterisk(self) -> None:
        try:
            async with asyncio.timeout(START_S):
                await self._came.wait()
        except TimeoutError:
            raise MediaError(
                "asterisk.media_timeout",
                f"Asterisk did not dial our /media within {START_S:g} s; check uri, protocols, "
                f"username and password of [{self._client}] in websocket_client.conf",
            ) from None

    async def take(self, scope: Message, receive: Receive, send: Send) -> None:
        """Asterisk has dialled us: hold the connection until the call is over."""
        wire = wire_of(scope)
        self.line = Line(wire)
        async with connected(self._calls, wire, receive, self.line, self._call_id, ended=ended):
            await _accept(send)
            self._came.set()
            await self.over.wait()

    async def _dial(self, variables: Mapping[str, str]) -> None:
        try:
            connection_id = variables[ID_VARIABLE]
        except KeyError:
            raise MediaError(
                "asterisk.media_refused", f"the media channel has no {ID_VARIABLE}"
            ) from None
        url = f"{self._url}/media/{quote(connection_id, safe='')}"
        wire = DialledWire(url, subprotocol=SUBPROTOCOL, max_bytes=MAX_BYTES)
        self.line = Line(wire)
        await self._stack.enter_async_context(
            connected(self._calls, wire, wire.receive, self.line, self._call_id, ended=ended)
        )
        try:
            async with asyncio.timeout(START_S):
                await wire.open()
        except TimeoutError:
            raise MediaError(
                "asterisk.media_timeout",
                f"{self._url} did not answer within {START_S:g} s; check that Asterisk's HTTP "
                "server (http.conf) listens there",
            ) from None
        except DialError as error:
            raise MediaError("asterisk.media_refused", _hint(self._url, error)) from None
        self._stack.push_async_callback(wire.closed)


def _hint(url: str, error: DialError) -> str:
    match error.status:
        case 404:
            return f"{url}/media does not know the call, or chan_websocket.so is not loaded"
        case 409:
            return f"{url}/media has the call's connection already: another engine took it"
        case None:
            return f"{error}; is Asterisk's HTTP server enabled (http.conf), and reached at {url}?"
        case _:
            return f"{error} at {url}/media"


async def _accept(send: Send) -> None:
    await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})


async def _decline(send: Send, status: int, code: str, message: str) -> None:
    body = json.dumps({"code": code, "message": message}).encode()
    headers: list[Any] = [(b"content-type", b"application/json")]
    if status == 401:
        headers.append((b"www-authenticate", b'Basic realm="palabre"'))
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
