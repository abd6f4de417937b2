"""Calls over WebRTC: an offer is posted, the answer comes back, and the call runs (docs/webrtc.md).

The HTTP is that of WHIP (RFC 9725) where it fits: POST of `application/sdp` is answered by 201 with
a Location, and DELETE of that ends the call. Candidates come whole, within offer and answer.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from engine.errors import AdmissionError, ConfigurationError, PalabreError, ProtocolError
from pipelines.audio.resample import Resample
from server.calls import Calls, Prepared
from telephony.media.protocol import MediaRequest, start
from telephony.webrtc.channel import WebRtcChannel
from telephony.webrtc.incoming import Incoming, Packet
from telephony.webrtc.negotiation import MAX_SDP_BYTES, Offer
from telephony.webrtc.opus import DECODED_HZ, Decoder, Encoder
from telephony.webrtc.peer import Peer, check_installed
from telephony.webrtc.track import PacedTrack

if TYPE_CHECKING:
    from server.settings import IceServer

__all__ = ["WebRtc"]

log = structlog.get_logger()

CONNECT_S = 15.0
"""From the answer to sound both ways. A browser that has a way finds it in a second; one behind two
firewalls needs its checks' retransmissions (RFC 8445, 14)."""

SDP = "application/sdp"

STATUS = {"request.content_type": 415, "offer.too_large": 413}
"""Of what is wrong with a request; 400 for all else."""

OPEN = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": "Location, Retry-After",
}
"""Pages of other origins may call, as they may open /media: a WebSocket asks no permission."""


@dataclass(slots=True)
class _Link:
    """One peer and its channel."""

    session_id: str
    peer: Peer
    channel: WebRtcChannel
    incoming: Incoming
    task: asyncio.Task[None] | None = None


class WebRtc:
    """Takes calls over WebRTC; `run` holds them as long as the server runs."""

    def __init__(self, calls: Calls, ice_servers: list[IceServer]) -> None:
        self._calls = calls
        self._ice_servers = ice_servers
        self._links: dict[str, _Link] = {}
        self._group: asyncio.TaskGroup | None = None

    async def run(self) -> None:
        """Until cancelled, which is safe: the calls that are left end at once."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                await asyncio.Event().wait()
            finally:
                self._group = None

    # HTTP

    def router(self) -> APIRouter:
        """The routes under /webrtc."""
        router = APIRouter()

        @router.get("/webrtc")
        async def configuration() -> Response:
            try:
                check_installed()
            except ConfigurationError as error:
                return _problem(501, "webrtc.missing", str(error))
            servers = [_given(server) for server in self._ice_servers]
            return JSONResponse({"iceServers": servers}, headers=OPEN)

        @router.options("/webrtc")
        @router.options("/webrtc/{key}")
        async def options() -> Response:
            allowed = {
                "Access-Control-Allow-Methods": "GET, POST, DELETE",
                "Access-Control-Allow-Headers": "Content-Type",
                "Accept-Post": SDP,
            }
            return Response(status_code=204, headers={**OPEN, **allowed})

        @router.post("/webrtc")
        async def offer(request: Request) -> Response:
            try:
                return await self._take(request)
            except AdmissionError as error:
                again = {"Retry-After": str(error.retry_after_s)}
                return _problem(503, error.code, str(error), again)
            except ProtocolError as error:
                log.info("call.rejected", code=error.code)
                return _problem(STATUS.get(error.code, 400), error.code, str(error))
            except ConfigurationError as error:
                return _problem(501, "webrtc.missing", str(error))
            except PalabreError as error:
                log.info("call.rejected", code=error.code)
                return _problem(503, error.code, str(error))

        @router.delete("/webrtc/{key}")
        async def end(key: str) -> Response:
            link = self._links.get(key)
            if link is None:
                return _problem(404, "call.unknown", "no such call runs; it may have ended")
            if link.session_id in self._calls.running:
                link.channel.lost("caller")
            elif link.task is not None:
                link.task.cancel()  # the peer was not reached yet
            return Response(status_code=200, headers=OPEN)

        @router.patch("/webrtc/{key}")
        async def trickle(key: str) -> Response:
            why = "send the offer with all its candidates; there is no trickle ICE and no restart"
            return _problem(405, "request.method", why, {"Allow": "DELETE, OPTIONS"})

        return router

    async def _take(self, request: Request) -> Response:
        check_installed()
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != SDP:
            raise ProtocolError("request.content_type", f"send the offer as {SDP}")
        offer_sdp = await _body(request)
        group = self._group
        with ExitStack() as place:
            place.enter_context(self._calls.admit())
            if group is None:
                raise AdmissionError("the server is stopping; call another one", 5)
            parts = self._calls.parts
            asked = MediaRequest.parse(request.url.query, parts.scenarios, parts.default)
            prepared = self._calls.prepare(asked.scenario, asked.language)
            link = self._link(Offer.parse(offer_sdp))
            key = secrets.token_hex(16)
            answer_sdp = ""
            try:
                answer_sdp = await link.peer.answer()
            finally:
                if not answer_sdp:
                    await link.peer.close(polite=False)
            held = place.pop_all()
            holding = self._hold(key, link, prepared, held)
            link.task = group.create_task(holding, name="webrtc call")
            self._links[key] = link
        headers = {**OPEN, "Location": f"/webrtc/{key}"}
        return Response(answer_sdp, 201, headers, SDP)

    # A call

    def _link(self, offer: Offer) -> _Link:
        """Put together what a call needs, each part feeding the next."""
        clock = self._calls.clock
        session_id = self._calls.new_id()
        from aiortc import RTCIceServer

        peer = Peer(offer, [RTCIceServer(**_given(server)) for server in self._ice_servers])
        channel = WebRtcChannel(clock, peer)
        incoming = Incoming(
            Decoder,
            DECODED_HZ,
            Resample().feed,
            offer.sound_type,
            offer.key_types,
            channel.inlet.faults,
        )
        track = PacedTrack(channel.pull, channel.wake, Encoder(), clock)

        def failed(error: Exception) -> None:
            self._calls.failed(channel, session_id, error)
            channel.lost("error")

        def received(packet: Packet) -> None:
            try:
                for frame in incoming.feed(packet, clock.now()):
                    channel.heard(frame)
            except Exception as error:  # noqa: BLE001 the border: the next call must not notice
                failed(error)

        def told(message: str | bytes) -> None:
            try:
                channel.told(message)
            except Exception as error:  # noqa: BLE001 the border: the next call must not notice
                failed(error)

        peer.attach(track.next, received, told)
        return _Link(session_id, peer, channel, incoming)

    async def _hold(self, key: str, link: _Link, prepared: Prepared, place: ExitStack) -> None:
        """Hold a call from its answer to its end. Cancelling ends it at once."""
        polite = False
        with place:
            try:
                polite = await self._converse(link, prepared)
            except Exception as error:  # noqa: BLE001 the border: the next call must not notice
                self._calls.failed(link.channel, link.session_id, error)
            finally:
                del self._links[key]
                await link.peer.close(polite=polite)

    async def _converse(self, link: _Link, prepared: Prepared) -> bool:
        """Reach the peer and run the call; whether that came about."""
        try:
            async with asyncio.timeout(CONNECT_S):
                await link.peer.connect()
        except (TimeoutError, ConnectionError):
            log.info("call.unreachable", call_id=link.session_id, code="webrtc.unreachable")
            return False
        channel, incoming = link.channel, link.incoming
        speech = prepared.speech
        link.peer.send(
            start(
                link.session_id,
                prepared.scenario,
                prepared.language,
                channel.capabilities,
                speech.notice,
            )
        )
        watching = asyncio.create_task(_watch(link), name="webrtc peer")
        try:
            await self._calls.run(
                link.session_id,
                channel,
                prepared,
                origin="webrtc",
                account=lambda: {"lost": incoming.lost, "concealed": incoming.concealed},
            )
        finally:
            watching.cancel()
            await asyncio.wait({watching})
        return True


async def _watch(link: _Link) -> None:
    vanished = await link.peer.gone()
    link.channel.lost("caller", "client.vanished" if vanished else None)


async def _body(request: Request) -> str:
    """The offer. Raises ProtocolError for one that is too large or no text."""
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > MAX_SDP_BYTES:
            raise ProtocolError("offer.too_large", f"an offer has at most {MAX_SDP_BYTES:,} bytes")
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise ProtocolError("offer.malformed", "an offer is UTF-8") from None


def _given(server: IceServer) -> dict[str, str]:
    """The fields of an `RTCIceServer`, those that are set."""
    fields = {
        "urls": server.urls,
        "username": server.username,
        "credential": server.credential.get_secret_value(),
    }
    return {name: value for name, value in fields.items() if value}


def _problem(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """RFC 9457, with the code and message of every error of ours."""
    body: dict[str, Any] = {"title": message, "status": status, "code": code, "message": message}
    return JSONResponse(body, status, {**OPEN, **(headers or {})}, "application/problem+json")
