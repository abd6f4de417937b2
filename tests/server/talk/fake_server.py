"""A server of the media WebSocket with an engine that follows a script: for tests of callers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

__all__ = ["TONE", "FakeCall", "fake_server"]

TONE = b"\0\x20" * 320
"""20 ms at 16 kHz."""


class FakeCall:
    """One call: what a script needs to play an engine."""

    def __init__(self, socket: ServerConnection) -> None:
        self.socket = socket
        self.query = socket.request.path if socket.request else ""
        self.sound = bytearray()
        self.messages: list[dict[str, Any]] = []
        self._turn = 0

    async def tell(self, **message: Any) -> None:
        await self.socket.send(json.dumps(message))

    async def say(self, text: str, frames: int, **ledger: Any) -> None:
        """A turn with one line, sent 100 ms ahead; its ledger once it was played."""
        self._turn += 1
        turn = self._turn
        await self.tell(type="state", state="responding")
        await self.tell(type="reply", turn=turn, text=text)
        for index in range(frames):
            await self.socket.send(TONE)
            if index >= 5:
                await asyncio.sleep(0.02)
        await self.tell(type="mark", name=f"{turn}.1")
        await self.got("mark")
        await self.tell(type="state", state="listening")
        spans = {"endpointing": 250.0, "speech": 10.0}
        gap = {"heard": "oui", "spans": spans, "gap_ms": 260.0, "over": {}, **ledger}
        await self.tell(type="turn", turn=turn, said=text, interrupted=False, **gap)

    async def got(self, kind: str) -> dict[str, Any]:
        """The next message of that kind; sound that comes before it is kept."""
        while True:
            data = await self.socket.recv()
            if isinstance(data, bytes):
                self.sound += data
                continue
            message: dict[str, Any] = json.loads(data)
            self.messages.append(message)
            if message["type"] == kind:
                return message

    async def listen(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self.got("nothing")
        except TimeoutError:
            pass


Script = Callable[[FakeCall], Awaitable[None]]


@asynccontextmanager
async def fake_server(
    script: Script, *, refuse: int | None = None
) -> AsyncIterator[tuple[str, list[FakeCall]]]:
    """Serve `script` on a free port of loopback: the media URL, and the calls so far."""
    calls: list[FakeCall] = []

    async def handle(socket: ServerConnection) -> None:
        call = FakeCall(socket)
        calls.append(call)
        await call.tell(type="start", session="s1", scenario="leads", language="fr", notice="demo")
        try:
            await script(call)
        except ConnectionClosed:
            pass

    def answer(connection: ServerConnection, request: Request) -> Response | None:
        return None if refuse is None else connection.respond(refuse, "full")

    async with serve(handle, "127.0.0.1", 0, process_request=answer, compression=None) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        yield f"ws://127.0.0.1:{port}/media", calls
