"""A small server of the page and of docs/protocols/media.md that does what a test tells it."""

from __future__ import annotations

import asyncio
import json
import math
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

import server

__all__ = ["STATIC", "FarCall", "Script", "idle", "page_server", "tone"]

STATIC = Path(server.__file__).parent / "static"

TYPES = {
    ".html": "text/html",
    ".js": "text/javascript",
    ".css": "text/css",
    ".svg": "image/svg+xml",
}
FRAME_BYTES = 640


class FarCall:
    """The server's side of one call: what came in, and what to send."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket
        self.path = "" if socket.request is None else socket.request.path
        self.sound: list[tuple[float, bytes]] = []
        self.messages: list[dict[str, Any]] = []
        self._arrived = asyncio.Condition()

    async def send(self, **message: Any) -> None:
        await self._socket.send(json.dumps(message))

    async def start(self, **more: Any) -> None:
        await self.send(
            type="start", session="0123456789abcdef", scenario="leads", language="fr",
            rate_hz=16000, frame_ms=20, lead_ms=100, **more,
        )  # fmt: skip

    async def play(self, pcm: bytes) -> None:
        """All of it at once: the page's queue is what paces it."""
        for start in range(0, len(pcm), FRAME_BYTES):
            await self._socket.send(pcm[start : start + FRAME_BYTES])

    async def expect(self, kind: str, within_s: float = 10.0) -> dict[str, Any]:
        """The next message of a kind; it is taken."""
        async with asyncio.timeout(within_s), self._arrived:
            while True:
                for message in self.messages:
                    if message["type"] == kind:
                        self.messages.remove(message)
                        return message
                await self._arrived.wait()

    async def read(self) -> None:
        """Take what comes in until the connection ends."""
        loop = asyncio.get_running_loop()
        async for message in self._socket:
            if isinstance(message, bytes):
                self.sound.append((loop.time(), message))
                continue
            async with self._arrived:
                self.messages.append(json.loads(message))
                self._arrived.notify_all()

    def vanish(self) -> None:
        """As when a cable is pulled."""
        self._socket.transport.abort()

    async def close(self) -> None:
        await self._socket.close()


async def idle(call: FarCall) -> None:
    """A server that takes the call and says nothing."""
    await call.start()
    await call.expect("hangup", within_s=60)


Script = Callable[[FarCall], Awaitable[None]]


@asynccontextmanager
async def page_server(
    script: Script, *, health: dict[str, Any] | None = None
) -> AsyncIterator[str]:
    """Serves the page; a call to it runs `script`. With `health`, calls are refused with 503 and
    that is what /health says. What a script raises is raised at the end."""
    failures: list[BaseException] = []

    def respond(_: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path == "/media":
            return None if health is None else _response(503, "application/json", b"{}")
        if path == "/health":
            status = 200 if health is None else 503
            return _response(status, "application/json", json.dumps(health or {}).encode())
        name = "index.html" if path == "/" else path.removeprefix("/static/")
        file = STATIC / name
        if not file.is_file():
            return _response(404, "text/plain", b"")
        return _response(200, TYPES[file.suffix], file.read_bytes())

    async def handle(socket: ServerConnection) -> None:
        call = FarCall(socket)
        reading = asyncio.create_task(call.read())
        try:
            await script(call)
        except ConnectionClosed:
            pass
        except (AssertionError, TimeoutError) as failure:
            failures.append(failure)
        finally:
            await socket.close()
            reading.cancel()
            await asyncio.wait({reading})

    async with serve(
        handle, "127.0.0.1", 0, process_request=respond, compression=None
    ) as listening:
        port = listening.sockets[0].getsockname()[1]
        yield f"http://127.0.0.1:{port}/"
    if failures:
        raise failures[0]


def _response(status: int, kind: str, body: bytes) -> Response:
    headers = Headers(
        [("Content-Type", kind), ("Content-Length", str(len(body))), ("Connection", "close")]
    )
    return Response(status, HTTPStatus(status).phrase, headers, body)


def tone(seconds: float, hz: float = 440.0) -> bytes:
    """A tone, s16le mono at 16 kHz, half of full scale."""
    count = round(seconds * 16000)
    step = 2 * math.pi * hz / 16000
    return struct.pack(f"<{count}h", *(round(16384 * math.sin(step * n)) for n in range(count)))
