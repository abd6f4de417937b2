"""OpenAI's chat completions (streamed) and speech, on this machine.

async with OpenAI(["Bonjour. ", "Ça va ?"]) as openai:
    ...  # openai.url, to which the client adds /chat/completions or /audio/speech
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

__all__ = ["OpenAI", "Request"]

RATE_HZ = 24000
"""Of the speech, when ``pcm`` is asked for."""


@dataclass
class Request:
    """What one client asked."""

    path: str
    authorization: str
    body: dict[str, Any]
    connection: int
    """Which connection it came over."""
    pieces: int = 0
    """How much of the answer was sent."""
    gone: bool = False
    """The client went away before the answer was whole."""


@dataclass
class OpenAI:
    """A server whose behaviour may be changed while it runs."""

    pieces: Sequence[str] = ("Bonjour. ", "Je vous écoute.")
    """The reply, as it is streamed."""
    speech: bytes = b"\x10\x27" * RATE_HZ
    refuse: int | None = None
    """The status with which requests are refused."""
    hang: bool = False
    """Take the request and answer nothing."""
    die_after: int | None = None
    """Break the connection after so many pieces."""
    delay_s: float = 0.0
    """Before each piece."""
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    _server: asyncio.Server | None = None
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/v1"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._serve(reader, writer, self.connections))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int
    ) -> None:
        try:
            while True:
                request = await _read(reader, connection)
                self.requests.append(request)
                await self._watched(reader, writer, request)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client is gone
        finally:
            writer.transport.abort()

    async def _watched(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: Request
    ) -> None:
        """Answer, unless the client goes away meanwhile."""
        answer = asyncio.create_task(self._answer(writer, request))
        try:
            while not answer.done():
                await asyncio.wait({answer}, timeout=0.01)
                if reader.at_eof() or writer.transport.is_closing():
                    request.gone = True
                    raise ConnectionResetError
        finally:
            answer.cancel()
            await asyncio.wait({answer})
        answer.result()

    async def _answer(self, writer: asyncio.StreamWriter, request: Request) -> None:
        if self.refuse is not None:
            error = {"message": "Incorrect API key provided", "type": "invalid_request_error"}
            body = json.dumps({"error": error}).encode()
            writer.write(
                f"HTTP/1.1 {self.refuse} Refused\r\ncontent-type: application/json\r\n"
                f"content-length: {len(body)}\r\n\r\n".encode()
                + body
            )
            return
        if self.hang:
            await asyncio.Event().wait()
        chat = request.path.endswith("/chat/completions")
        kind = "text/event-stream" if chat else "audio/pcm"
        head = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ntransfer-encoding: chunked\r\n\r\n"
        writer.write(head.encode())
        async for piece in self._chat(request) if chat else self._sound():
            if request.pieces == self.die_after:
                raise ConnectionResetError
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await writer.drain()
            request.pieces += 1
        writer.write(b"0\r\n\r\n")

    async def _chat(self, request: Request) -> AsyncIterator[bytes]:
        chunk = {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": request.body["model"],
        }
        for piece in self.pieces:
            await asyncio.sleep(self.delay_s)
            delta = {"index": 0, "delta": {"content": piece}, "finish_reason": None}
            yield _event({**chunk, "choices": [delta]})
        yield _event({**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        usage = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}
        yield _event({**chunk, "choices": [], "usage": usage}) + b"data: [DONE]\n\n"

    async def _sound(self) -> AsyncIterator[bytes]:
        for start in range(0, len(self.speech), 4801):  # ends within a sample
            await asyncio.sleep(self.delay_s)
            yield self.speech[start : start + 4801]


def _event(data: dict[str, Any]) -> bytes:
    return b"data: " + json.dumps(data).encode() + b"\n\n"


async def _read(reader: asyncio.StreamReader, connection: int) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    path = head[0].split()[1]
    headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
    body = json.loads(await reader.readexactly(int(headers["content-length"])))
    return Request(path, headers.get("authorization", ""), body, connection)
