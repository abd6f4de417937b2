"""The client: typed requests over a connection that somebody else reads and writes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any
from urllib.parse import quote

from engine.errors import ProtocolError
from telephony.asterisk.ari.errors import AriError
from telephony.asterisk.ari.events import Bridge, Channel, Event, bridge_of, channel_of
from telephony.asterisk.ari.wire import Request, Response, encode, parse

__all__ = ["Application", "Ari", "Info"]

ANSWER_S = 5.0
"""How long Asterisk may take to answer: it does in a millisecond, or hangs."""

BOOT_S = 20.0
"""How long an Asterisk that has just started may call itself "not booted"."""
RETRY_S = 0.2


@dataclass(frozen=True, slots=True)
class Info:
    """Which Asterisk that is. `entity_id` is its own for as long as its machine is the same."""

    version: str
    entity_id: str
    started: str


@dataclass(frozen=True, slots=True)
class Application:
    """What belongs to a Stasis application, by ids."""

    name: str
    channels: tuple[str, ...] = ()
    bridges: tuple[str, ...] = ()


class Ari:
    """One connection as the application `app`.

    `send` writes a TEXT message and does not wait; `on_event` is told each event, in order. What
    arrives is handed to `received`; when the connection is gone, `lost`.

    Requests raise AriError. Cancelling one gives up its answer only: Asterisk does what was asked.
    """

    def __init__(
        self, app: str, send: Callable[[str], None], on_event: Callable[[Event], None]
    ) -> None:
        self.app = app
        self.malformed = 0
        """Messages that made no sense."""
        self._send = send
        self._on_event = on_event
        self._numbers = count(1)
        self._waiting: dict[str, asyncio.Future[Response]] = {}
        self._lost: AriError | None = None
        self._over = asyncio.Event()

    # The connection's side

    def received(self, text: str | bytes) -> None:
        """A whole message arrived."""
        try:
            message = parse(text)
        except ProtocolError:
            self.malformed += 1
            return
        if not isinstance(message, Response):
            self._on_event(message)
        elif (waiting := self._waiting.pop(message.id, None)) and not waiting.done():
            waiting.set_result(message)

    def lost(self, error: AriError) -> None:
        """The connection is gone: whoever waits for an answer is told `error`."""
        self._lost = self._lost or error
        self._over.set()
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(error)
                answer.exception()  # retrieved: nobody may be waiting any more

    async def over(self) -> AriError:
        """Wait until the connection is gone; why is returned. Cancelling is safe."""
        await self._over.wait()
        assert self._lost is not None
        return self._lost

    # Requests

    async def request(self, request: Request) -> Any:
        """The JSON that answers `request`. Raises AriError."""
        response = await self._answer(request)
        if error := response.error(request):
            raise error
        return response.body

    async def _answer(self, request: Request) -> Response:
        if self._lost is not None:
            raise self._lost
        request_id = str(next(self._numbers))
        waiting: asyncio.Future[Response] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = waiting
        self._send(encode(request_id, request))
        try:
            async with asyncio.timeout(ANSWER_S):
                return await waiting
        except TimeoutError:
            # Asterisk answers in order, so nobody will be answered any more. A new connection is
            # another of its threads, and costs milliseconds.
            error = AriError(
                "ari.timeout",
                f"Asterisk did not answer {request} within {ANSWER_S:g} s; it hangs, or is older "
                "than 22.4 and knows no requests over the WebSocket of events",
            )
            self.lost(error)
            raise error from None
        finally:
            self._waiting.pop(request_id, None)

    async def booted(self) -> Info:
        """Which Asterisk this is, once it has booted: one that dials us may be too early."""
        for _ in range(round(BOOT_S / RETRY_S)):
            try:
                return await self.info()
            except AriError as error:
                if error.code != "ari.starting":
                    raise
            await asyncio.sleep(RETRY_S)
        return await self.info()

    async def info(self) -> Info:
        body = await self.request(Request("GET", "asterisk/info"))
        system, status = body.get("system", {}), body.get("status", {})
        return Info(
            system.get("version", ""), system.get("entity_id", ""), status.get("startup_time", "")
        )

    async def application(self) -> Application:
        """What belongs to our application, also from before this connection."""
        body = await self.request(Request("GET", f"applications/{_id(self.app)}"))
        return Application(body["name"], tuple(body["channel_ids"]), tuple(body["bridge_ids"]))

    async def ignore(self, *kinds: str) -> None:
        """Have events of these `kinds` not sent to us."""
        await self.request(
            Request(
                "PUT",
                f"applications/{_id(self.app)}/eventFilter",
                body={"disallowed": [{"type": kind} for kind in kinds]},
            )
        )

    # Channels

    async def channels(self) -> tuple[Channel, ...]:
        """All of this Asterisk, also those of others."""
        return tuple(map(channel_of, await self.request(Request("GET", "channels"))))

    async def create(
        self, channel_id: str, endpoint: str, variables: Mapping[str, str] | None = None
    ) -> Channel:
        """A channel to `endpoint` that is in our application and calls nobody yet: `dial` it after
        its StasisStart. Of an id that is in use Asterisk 22.10.1 may die: never use one again."""
        query = {"endpoint": endpoint, "app": self.app, "channelId": channel_id}
        body = {"variables": dict(variables)} if variables else None
        return channel_of(await self.request(Request("POST", "channels/create", query, body)))

    async def external_media(
        self, channel_id: str, query: Mapping[str, str], variables: Mapping[str, str] | None = None
    ) -> Channel:
        """A channel whose far end is a program; `query` says how that is reached."""
        asked = {**query, "app": self.app, "channelId": channel_id}
        body = {"variables": dict(variables)} if variables else None
        return channel_of(
            await self.request(Request("POST", "channels/externalMedia", asked, body))
        )

    async def snoop(self, channel_id: str, snoop_id: str, *, spy: str, whisper: str) -> Channel:
        """A channel that hears the sound `spy` of another and speaks into `whisper` of it: ``in``
        is what comes from it, ``out`` what goes to it, or ``both``, ``none``."""
        query = {"app": self.app, "snoopId": snoop_id, "spy": spy, "whisper": whisper}
        path = f"channels/{_id(channel_id)}/snoop"
        return channel_of(await self.request(Request("POST", path, query)))

    async def dial(self, channel_id: str, timeout_s: float) -> None:
        """Call what the channel was created for; it is answered, or destroyed."""
        query = {"timeout": str(max(1, round(timeout_s)))}
        await self.request(Request("POST", f"channels/{_id(channel_id)}/dial", query))

    async def answer(self, channel_id: str) -> None:
        await self.request(Request("POST", f"channels/{_id(channel_id)}/answer"))

    async def ring(self, channel_id: str) -> None:
        """Have the caller hear that it rings."""
        await self.request(Request("POST", f"channels/{_id(channel_id)}/ring"))

    async def hold(self, channel_id: str, music: str = "") -> None:
        """Play music on hold, of a class of musiconhold.conf."""
        query = {"mohClass": music} if music else {}
        await self.request(Request("POST", f"channels/{_id(channel_id)}/moh", query))

    async def unhold(self, channel_id: str) -> None:
        await self.request(Request("DELETE", f"channels/{_id(channel_id)}/moh"))

    async def redirect(self, channel_id: str, endpoint: str) -> None:
        """Have the far end call `endpoint` instead (SIP: REFER, or 302 before it is answered)."""
        query = {"endpoint": endpoint}
        await self.request(Request("POST", f"channels/{_id(channel_id)}/redirect", query))

    async def follow(self, channel_id: str) -> None:
        """Be told what becomes of a channel also when it has left our application."""
        query = {"eventSource": f"channel:{channel_id}"}
        await self.request(Request("POST", f"applications/{_id(self.app)}/subscription", query))

    async def set_variable(self, channel_id: str, name: str, value: str) -> None:
        """Set a variable of the channel, for the dialplan."""
        query = {"variable": name, "value": value}
        await self.request(Request("POST", f"channels/{_id(channel_id)}/variable", query))

    async def go_on(self, channel_id: str, context: str, extension: str) -> None:
        """Leave our application for the dialplan."""
        query = {"context": context, "extension": extension, "priority": "1"}
        await self.request(Request("POST", f"channels/{_id(channel_id)}/continue", query))

    async def hang_up(self, channel_id: str, reason: str = "normal") -> None:
        """End a channel; one that is gone is as well. `reason` is what an unanswered caller is
        told: ``busy`` 486, ``congestion`` 503 …"""
        try:
            await self.request(Request("DELETE", f"channels/{_id(channel_id)}", {"reason": reason}))
        except AriError as error:
            if error.code != "ari.gone":
                raise

    # Bridges

    async def bridges(self) -> tuple[Bridge, ...]:
        """All of this Asterisk, also those of others."""
        return tuple(map(bridge_of, await self.request(Request("GET", "bridges"))))

    async def bridge(self, bridge_id: str, kind: str = "mixing") -> Bridge:
        """Make a bridge."""
        query = {"type": kind}
        return bridge_of(await self.request(Request("POST", f"bridges/{_id(bridge_id)}", query)))

    async def join(self, bridge_id: str, *channel_ids: str) -> None:
        """Put channels that are in our application into a bridge, out of any other."""
        query = {"channel": ",".join(channel_ids)}
        await self.request(Request("POST", f"bridges/{_id(bridge_id)}/addChannel", query))

    async def part(self, bridge_id: str, *channel_ids: str) -> None:
        """Take channels out of a bridge."""
        query = {"channel": ",".join(channel_ids)}
        await self.request(Request("POST", f"bridges/{_id(bridge_id)}/removeChannel", query))

    async def delete_bridge(self, bridge_id: str) -> None:
        """Take a bridge apart; one that is gone is as well."""
        try:
            await self.request(Request("DELETE", f"bridges/{_id(bridge_id)}"))
        except AriError as error:
            if error.code != "ari.gone":
                raise


def _id(name: str) -> str:
    """`name` as a part of a path."""
    return quote(name, safe="")
