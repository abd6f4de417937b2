"""Sound through Asterisk and back, over the WebSockets that calls use.

Two media channels are put into a bridge; what is played into one has to come out of the other.
Both are taken away again, with the bridge, whatever happens.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import math
import secrets
import struct
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from server.asterisk.check.findings import Finding, Level
from server.asterisk.check.reach import Ari, Unreachable
from server.asterisk.check.witness import witness
from server.asterisk.configuration import Wanted

__all__ = ["media"]

Socket = ClientConnection | ServerConnection

FRAME_BYTES = 640
FRAME_S = 0.02
WAIT_S = 3.0
"""Asterisk gives up an engine that is not there after a second, as configured."""
PLAYED_S = 2.0
GOODBYE_S = 0.2
"""The other side's goodbye stands behind what nobody reads any more: it is not waited for."""
LOUD = 1000
TONE_HZ = 1000.0


class _AmissError(Exception):
    """A step failed; `finding` says what, and what to do."""

    def __init__(self, fact: str, do: str) -> None:
        super().__init__(fact)
        self.finding = Finding(Level.CHANGE, fact, do)


@dataclass(frozen=True, slots=True)
class _Channel:
    """A media channel and its WebSocket."""

    name: str
    socket: Socket


async def media(ari: Ari, wanted: Wanted, app: str) -> list[Finding]:
    """Try it; `app` is an application that is connected. Cancelling leaves nothing behind."""
    found: list[Finding] = []
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(4 * WAIT_S):
                await _try(_Probe(ari, wanted, app, stack), found)
        except _AmissError as amiss:
            found.append(amiss.finding)
        except (TimeoutError, ConnectionClosed, OSError) as error:
            broken = f"the media WebSocket broke off: {str(error) or 'nothing came any more'}"
            found.append(Finding(Level.CHANGE, broken, "see Asterisk's log of this moment"))
    return found


async def _try(probe: _Probe, found: list[Finding]) -> None:
    near = await probe.dial()
    found.append(Finding(Level.OK, "the engine reaches Asterisk's media WebSocket"))
    found.append(await _control(near.socket))
    far: _Channel | None = None
    if probe.wanted.dials_us:
        far = await probe.be_dialled()
        found.append(
            Finding(Level.OK, f"Asterisk reaches the engine at {probe.wanted.engine_url}")
            if far
            else Finding(Level.OK, "Asterisk reaches the engine that runs, and is let in")
        )
    found.append(await probe.through(near, far or await probe.dial()))
    found.append(await probe.witness(near))


class _Probe:
    """What is made on the way is taken away when `stack` is left."""

    def __init__(self, ari: Ari, wanted: Wanted, app: str, stack: AsyncExitStack) -> None:
        self.wanted = wanted
        self._ari = ari
        self._app = app
        self._stack = stack

    async def dial(self) -> _Channel:
        """A media channel that we dial; after its MEDIA_START."""
        name, created = await self._create("INCOMING")
        number = created["channelvars"]["MEDIA_WEBSOCKET_CONNECTION_ID"]
        parts = urlsplit(self.wanted.ari_url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        url = f"{scheme}://{parts.netloc}{parts.path.rstrip('/').removesuffix('/ari')}"
        opened = connect(
            f"{url}/media/{number}",
            subprotocols=[Subprotocol("media")],
            compression=None,
            proxy=None,
            close_timeout=GOODBYE_S,
        )
        try:
            socket = await self._stack.enter_async_context(opened)
        except (OSError, InvalidHandshake) as error:
            raise _AmissError(
                f"Asterisk's media WebSocket cannot be opened: {error}",
                "load res_http_websocket.so, and let /media of its HTTP server through what stands "
                "between",
            ) from None
        return _Channel(name, await _started(socket))

    async def be_dialled(self) -> _Channel | None:
        """A media channel for which Asterisk dials us; None where a running engine took it."""
        came: asyncio.Queue[ServerConnection] = asyncio.Queue()

        async def handle(socket: ServerConnection) -> None:
            came.put_nowait(socket)
            await socket.wait_closed()

        parts = urlsplit(self.wanted.engine_url)
        port = parts.port or (443 if parts.scheme == "wss" else 80)
        try:
            await self._stack.enter_async_context(
                serve(handle, "", port, compression=None, close_timeout=GOODBYE_S)
            )
        except OSError:
            await self._taken_by_engine()
            return None
        name, _ = await self._create(self.wanted.client)
        try:
            async with asyncio.timeout(WAIT_S):
                socket = await came.get()
        except TimeoutError:
            raise self._not_reached() from None
        self._let_in(socket)
        return _Channel(name, await _started(socket))

    async def _taken_by_engine(self) -> None:
        name, _ = await self._create(self.wanted.client)
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            there = await self._ari.get(f"/channels/{name}")
            if there is None:
                break  # Asterisk has given up
            if there["state"] == "Up":
                return
            await asyncio.sleep(0.05)
        raise self._not_reached()

    def _not_reached(self) -> _AmissError:
        return _AmissError(
            f"Asterisk does not reach the engine at {self.wanted.engine_url}, or is not let in",
            "uri in websocket_client.conf has to be the engine as Asterisk sees it (PALABRE_HOST "
            "is 127.0.0.1 unless set), username and password PALABRE_ASTERISK_MEDIA_USER and "
            "PALABRE_ASTERISK_MEDIA_PASSWORD, and the firewall has to let it pass",
        )

    def _let_in(self, socket: ServerConnection) -> None:
        if not self.wanted.media_password or socket.request is None:
            return
        credentials = f"{self.wanted.media_user}:{self.wanted.media_password}".encode()
        expected = f"Basic {base64.b64encode(credentials).decode()}"
        if socket.request.headers.get("Authorization") != expected:
            raise _AmissError(
                "Asterisk does not show the user and password that the engine asks for",
                "set username and password in websocket_client.conf to "
                "PALABRE_ASTERISK_MEDIA_USER and PALABRE_ASTERISK_MEDIA_PASSWORD",
            )

    async def _create(self, host: str) -> tuple[str, dict[str, Any]]:
        """An external media channel: its id and its JSON."""
        name = f"palabre-check-{secrets.token_hex(4)}"
        asked = {
            "app": self._app,
            "channelId": name,
            "transport": "websocket",
            "encapsulation": "none",
            "format": "slin16",
            "external_host": host,
            "transport_data": f"f(json)v(call={name})",
        }
        if host == "INCOMING":
            asked |= {"connection_type": "server", "transport_data": "f(json)"}
        # Before it is asked for: a request that is cancelled may have been carried out.
        self._stack.push_async_callback(self._delete, f"/channels/{name}")
        try:
            answer = await self._ari.request("POST", "/channels/externalMedia", asked)
        except Unreachable:
            if host == "INCOMING":
                raise
            # Asterisk answers once its WebSocket is open, or could not be: here nobody answers it.
            raise self._not_reached() from None
        if answer.status_code == 200:
            return name, answer.json()
        why = answer.json().get("message", "") if answer.content else ""
        if answer.status_code == 400 and host != "INCOMING":
            raise _AmissError(
                f"Asterisk has no WebSocket client of the name {host}",
                "paste websocket_client.conf of `palabre asterisk config`, then "
                "`asterisk -rx 'module reload res_websocket_client.so'`",
            )
        raise _AmissError(
            f"Asterisk makes no media channel of 16 kHz: it answers {answer.status_code} {why}",
            "load chan_websocket.so and codec_resample.so; without them there is no slin16",
        )

    async def _delete(self, path: str) -> None:
        with contextlib.suppress(Unreachable):  # it has been told already
            await self._ari.request("DELETE", path)

    async def through(self, near: _Channel, far: _Channel) -> Finding:
        """A tone from one to the other, through a bridge."""
        bridge = f"palabre-check-{secrets.token_hex(4)}"
        self._stack.push_async_callback(self._delete, f"/bridges/{bridge}")
        await self._ari.request("POST", f"/bridges/{bridge}", {"type": "mixing"})
        deadline = time.monotonic() + WAIT_S
        for channel in (near, far):
            # A channel can be added once it has entered the application: 422 until then.
            while True:
                answer = await self._ari.request(
                    "POST", f"/bridges/{bridge}/addChannel", {"channel": channel.name}
                )
                if answer.status_code < 300:
                    break
                if time.monotonic() > deadline:
                    raise _AmissError(
                        f"two media channels cannot be bridged: {answer.status_code}",
                        "load bridge_simple.so, and see Asterisk's log of this moment",
                    )
                await asyncio.sleep(0.02)
        took_s = await _passes(near.socket, far.socket)
        if took_s is None:
            return Finding(
                Level.CHANGE,
                "what is played into Asterisk does not come out again",
                "load bridge_simple.so and codec_resample.so, and see Asterisk's log",
            )
        return Finding(Level.OK, f"sound passes in and out of Asterisk, in {took_s * 1000:.0f} ms")

    async def witness(self, near: _Channel) -> Finding:
        """AMD() beside a channel."""
        return await witness(self._ari, self._app, near.name)


async def _started(socket: Socket) -> Socket:
    message = await socket.recv()
    told = json.loads(message) if isinstance(message, str) and message.startswith("{") else {}
    if told.get("event") == "MEDIA_START" and told.get("optimal_frame_size") == FRAME_BYTES:
        return socket
    raise _AmissError(
        "the media WebSocket does not begin with MEDIA_START in JSON, at 16 kHz",
        "install Asterisk 22.8 or later of the 22 series",
    )


async def _control(socket: Socket) -> Finding:
    """Marks and pauses, which are newer than the WebSocket itself."""
    for asked in ("MARK_MEDIA", "PAUSE_MEDIA", "GET_STATUS", "CONTINUE_MEDIA"):
        await socket.send(json.dumps({"command": asked, "correlation_id": "check"}))
    marked = paused = False
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(WAIT_S):
            async for event in _events(socket):
                marked |= event["event"] == "MEDIA_MARK_PROCESSED"
                paused |= event["event"] == "STATUS" and bool(event.get("media_paused"))
                if marked and paused:
                    return Finding(Level.OK, "marks and pauses work")
    return Finding(
        Level.CHANGE,
        "Asterisk acknowledges no marks, or does not pause",
        "install Asterisk 22.8 or later of the 22 series",
    )


async def _events(socket: Socket) -> AsyncIterator[dict[str, Any]]:
    async for message in socket:
        if isinstance(message, str):
            yield json.loads(message)


async def _passes(near: Socket, far: Socket) -> float | None:
    """Seconds from the first frame of a tone at one end to its first at the other."""
    began = time.monotonic()
    playing = asyncio.create_task(_play(near), name="tone")
    try:
        async with asyncio.timeout(WAIT_S):
            async for message in far:
                if isinstance(message, bytes) and _peak(message) > LOUD:
                    return time.monotonic() - began
    except TimeoutError:
        pass
    finally:
        playing.cancel()
        await asyncio.wait({playing})
    return None


async def _play(socket: Socket) -> None:
    tone = [round(8000 * math.sin(2 * math.pi * TONE_HZ * n / 16000)) for n in range(320)]
    frame = struct.pack("<320h", *tone)
    for _ in range(int(PLAYED_S / FRAME_S)):
        await socket.send(frame)
        await asyncio.sleep(FRAME_S)


def _peak(pcm: bytes) -> int:
    samples: tuple[int, ...] = struct.unpack(f"<{len(pcm) // 2}h", pcm)
    return max(abs(sample) for sample in samples)
