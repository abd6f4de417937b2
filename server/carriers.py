"""Calls that carriers bring: Twilio's webhook, and the media streams of each (docs/carriers.md)."""

from __future__ import annotations

import asyncio
import hmac
from urllib.parse import parse_qs, parse_qsl

import structlog
from fastapi import APIRouter, Request, Response
from pydantic import SecretStr

from engine.errors import AdmissionError, ConfigurationError, PalabreError, ProtocolError
from server.calls import Calls, Prepared
from server.connection import Message, Receive, Send, connected, wire_of
from server.media import refuse
from server.settings import Settings
from telephony.carriers import twilio
from telephony.carriers.serialized import CARRIERS, SerializedCodec
from telephony.carriers.stream import Begun, StreamChannel, StreamCodec

__all__ = ["CarrierRoutes"]

log = structlog.get_logger()

BEGIN_S = 5.0
"""How long a stream may take to say whose call it is; Twilio's `start` comes at once."""

MOST_FORM_BYTES = 64 * 1024
"""Of a webhook's form: Twilio sends some 1 KB."""

STREAM = "/carriers/twilio"


class CarrierRoutes:
    """``POST /twilio/voice`` answers a call of Twilio's, ``/carriers/<name>`` is its stream and
    that of the others. As an ASGI application it takes the WebSockets."""

    def __init__(self, calls: Calls, settings: Settings) -> None:
        """Raises ConfigurationError for settings that do not do together."""
        self._calls = calls
        self._twilio_token = _secret(settings.twilio_auth_token)
        self._token = _secret(settings.carrier_token)
        self._public_url = settings.public_url.rstrip("/")
        if self._twilio_token and not self._public_url.startswith(("https://", "http://")):
            raise ConfigurationError(
                "calls of Twilio need PALABRE_PUBLIC_URL: the https:// address that it reaches "
                "this server at, as in its console"
            )
        self.router = APIRouter()
        self.router.add_api_route("/twilio/voice", self._voice, methods=["POST"])

    # Twilio's webhook

    async def _voice(self, request: Request) -> Response:
        """A call came to a number of ours: connect it, or say that the line is busy."""
        if not self._twilio_token:
            return Response("set PALABRE_TWILIO_AUTH_TOKEN to take calls of Twilio\n", 503)
        body = bytearray()
        async for piece in request.stream():
            body += piece
            if len(body) > MOST_FORM_BYTES:
                return Response("the form is too large\n", 413)
        form = parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)
        query = f"?{request.url.query}" if request.url.query else ""
        given = request.headers.get("x-twilio-signature", "")
        if not twilio.signed(
            self._twilio_token, f"{self._public_url}{request.url.path}{query}", form, given
        ):
            log.warning("twilio.signature_wrong")
            return Response(
                "the signature is not Twilio's for this address: PALABRE_PUBLIC_URL and the "
                "webhook's URL in its console must be the same, and the token the account's\n",
                403,
            )
        fields = dict(form)
        call_id = fields.get("CallSid", "")
        obstacle = self._calls.obstacle()
        if obstacle is not None:
            log.info("call.refused", obstacle=obstacle, origin="twilio")
            return _xml(twilio.refused())
        return _xml(
            twilio.stream(
                f"ws{self._public_url.removeprefix('http')}{STREAM}",
                {"to": fields.get("To", ""), "pass": twilio.pass_of(self._twilio_token, call_id)},
            )
        )

    # The streams

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        name = scope["path"].removeprefix("/carriers/")
        query = parse_qs(scope["query_string"].decode("ascii", "replace"))
        obstacle = self._closed(name, query.get("token", [""])[-1])
        if obstacle is not None:
            status, text = obstacle
            log.info("call.rejected", origin=name if status != 404 else "unknown", status=status)
            await _answer(send, status, text)
            return
        try:
            with self._calls.admit(), self._calls.metrics.websockets.track_inprogress():
                codec = await self._codec(name, query.get("to", [""])[-1])
                await self._serve(name, codec, scope, receive, send)
        except AdmissionError as error:
            await refuse(send, error)
        except ConfigurationError as error:
            log.warning("call.rejected", origin=name, code=error.code)
            await _answer(send, 503, str(error))

    def _closed(self, name: str, token: str) -> tuple[int, str] | None:
        """Why a stream is not taken: status and text. Twilio's shows its pass later."""
        if name == "twilio":
            return None if self._twilio_token else (503, "set PALABRE_TWILIO_AUTH_TOKEN")
        if name not in CARRIERS:
            return 404, f"no carrier {name[:20]!r}; there are: twilio, {', '.join(CARRIERS)}"
        if not self._token:
            return 503, "set PALABRE_CARRIER_TOKEN, and give it to the carrier as ?token="
        if not hmac.compare_digest(self._token.encode(), token.encode()):
            return 403, "the token is not PALABRE_CARRIER_TOKEN"
        return None

    async def _codec(self, name: str, called: str) -> StreamCodec:
        if name == "twilio":
            return twilio.TwilioCodec()
        return await asyncio.to_thread(SerializedCodec, CARRIERS[name], called)

    async def _serve(
        self, name: str, codec: StreamCodec, scope: Message, receive: Receive, send: Send
    ) -> None:
        calls = self._calls
        wire = wire_of(scope)
        session_id = calls.new_id()
        begins: asyncio.Future[Begun | None] = asyncio.get_running_loop().create_future()
        channel = StreamChannel(codec, wire, lambda begun: _set(begins, begun))
        async with connected(calls, wire, receive, channel, session_id):
            await send({"type": "websocket.accept"})
            try:
                async with asyncio.timeout(BEGIN_S):
                    begun = await begins
                if begun is None:
                    return
                prepared = self._prepare(name, begun)
            except (PalabreError, TimeoutError) as error:
                code = getattr(error, "code", "request.no_start")
                log.info("call.rejected", origin=name, code=code)
                wire.close(1008, code)
                return
            await calls.run(session_id, channel, prepared, origin=name)

    def _prepare(self, name: str, begun: Begun) -> Prepared:
        if name == "twilio":
            shown = begun.parameters.get("pass", "")
            right = twilio.pass_of(self._twilio_token, begun.call_id)
            if not hmac.compare_digest(right.encode(), shown.encode()):
                raise ProtocolError("twilio.pass", "the stream lacks the pass our webhook gave")
        return self._calls.prepare_for(begun.called)


def _set(future: asyncio.Future[Begun | None], begun: Begun | None) -> None:
    if not future.done():
        future.set_result(begun)


def _secret(value: SecretStr | None) -> str:
    return "" if value is None else value.get_secret_value()


def _xml(text: str) -> Response:
    return Response(text, media_type="application/xml")


async def _answer(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": f"{text}\n".encode()})
