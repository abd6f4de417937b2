"""Deepgram's live recognition (/v1/listen) and streamed speech (/v1/speak), on this machine.

async with Deepgram(["oui bien sûr"]) as deepgram:
    ...  # deepgram.url
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

__all__ = ["Connection", "Deepgram", "tone"]

INTERIM_S = 0.24
"""Sound between two interim results; each knows one word more."""

CHUNK_S = 0.1
"""Speech goes out in chunks of this much sound."""


def tone(text: str, rate_hz: int) -> bytes:
    """What the server says for `text`: 20 ms of sound for each letter, and it can be recognised."""
    level = 1000 + sum(text.encode()) % 20000
    return level.to_bytes(2, "little") * (len(text) * rate_hz // 50)


@dataclass
class Connection:
    """What one client said."""

    path: str
    query: list[tuple[str, str]]
    authorization: str
    messages: list[dict[str, Any]] = field(default_factory=list)
    """Text messages, in order."""
    heard_bytes: int = 0
    closed: bool = False

    def types(self) -> list[str]:
        return [message["type"] for message in self.messages]


@dataclass
class Deepgram:
    """A server whose behaviour may be changed while it runs."""

    utterances: Sequence[str] = ()
    """What each utterance is recognised as; the last one again and again."""
    refuse: int | None = None
    """The status with which handshakes are refused."""
    hang: bool = False
    """Take everything and answer nothing."""
    die_after: int | None = None
    """Break the connection after so many results, or chunks of speech."""
    delay_s: float = 0.0
    """Before each final result, and each chunk of speech."""
    endpointing: bool = False
    """Commit the words by itself, before it is told to finalise."""
    deaf: bool = False
    """Speak on when told to clear: sound that is still under way arrives all the same."""
    connections: list[Connection] = field(default_factory=list)
    _server: Server | None = None
    _finals: int = 0

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"ws://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> Self:
        self._server = await serve(
            self._serve, "127.0.0.1", 0, process_request=self._admit, close_timeout=0.2
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        if self.refuse is not None:
            return connection.respond(HTTPStatus(self.refuse), "INVALID_AUTH")
        return None

    async def _serve(self, socket: ServerConnection) -> None:
        assert socket.request is not None
        url = urlsplit(socket.request.path)
        authorization = socket.request.headers["Authorization"]
        client = Connection(url.path, parse_qsl(url.query), authorization)
        self.connections.append(client)
        try:
            if url.path == "/v1/listen":
                await _Listen(self, client, socket).run()
            else:
                await _Speak(self, client, socket).run()
        except ConnectionClosed:
            pass  # the client is gone
        finally:
            client.closed = True

    def next_utterance(self) -> str:
        return self.utterances[min(self._finals, len(self.utterances) - 1)]


class _Listen:
    def __init__(self, deepgram: Deepgram, client: Connection, socket: ServerConnection) -> None:
        self._deepgram = deepgram
        self._client = client
        self._socket = socket
        self._bytes_per_s = 2 * int(dict(client.query)["sample_rate"])
        self._utterance_bytes = 0
        self._words = 0
        self._results = 0
        self._committed = False

    async def run(self) -> None:
        self._gone = asyncio.create_task(self._socket.wait_closed())
        try:
            await self._listen()
        finally:
            self._gone.cancel()
            await asyncio.wait({self._gone})

    async def _listen(self) -> None:
        async for message in self._socket:
            if isinstance(message, bytes):
                self._client.heard_bytes += len(message)
                self._utterance_bytes += len(message)
                await self._interim()
                continue
            control = json.loads(message)
            self._client.messages.append(control)
            match control["type"]:
                case "Finalize":
                    await self._finalize()
                case "CloseStream":
                    await self._send({"type": "Metadata", "request_id": "r", "channels": 1})
                    await self._socket.close()

    async def _interim(self) -> None:
        text = self._deepgram.next_utterance().split()
        known = int(self._utterance_bytes / self._bytes_per_s / INTERIM_S)
        if known <= self._words or self._words >= len(text):
            return
        self._words = min(known, len(text))
        whole = self._words == len(text) and self._deepgram.endpointing
        await self._result(" ".join(text[: self._words]), final=whole)
        self._committed = self._committed or whole

    async def _finalize(self) -> None:
        await asyncio.wait({self._gone}, timeout=self._deepgram.delay_s)
        text = "" if self._committed else self._deepgram.next_utterance()
        self._deepgram._finals += 1
        self._utterance_bytes = self._words = 0
        self._committed = False
        await self._result(text, final=True, from_finalize=True)

    async def _result(self, text: str, *, final: bool, from_finalize: bool = False) -> None:
        words = [
            {"word": word, "start": 0.1 * i, "end": 0.1 * i + 0.1, "confidence": 0.98}
            for i, word in enumerate(text.split())
        ]
        await self._send(
            {
                "type": "Results",
                "channel_index": [0, 1],
                "duration": 1.0,
                "start": 0.0,
                "is_final": final,
                "speech_final": final,
                "from_finalize": from_finalize,
                "channel": {
                    "alternatives": [{"transcript": text, "confidence": 0.98, "words": words}]
                },
                "metadata": {
                    "request_id": "r",
                    "model_uuid": "m",
                    "model_info": {"name": "nova-3", "version": "1", "arch": "nova-3"},
                },
            }
        )
        self._results += 1
        if self._results == self._deepgram.die_after:
            self._socket.transport.abort()

    async def _send(self, message: dict[str, Any]) -> None:
        if not self._deepgram.hang:
            await self._socket.send(json.dumps(message))


class _Speak:
    def __init__(self, deepgram: Deepgram, client: Connection, socket: ServerConnection) -> None:
        self._deepgram = deepgram
        self._client = client
        self._socket = socket
        self._rate_hz = int(dict(client.query)["sample_rate"])
        self._text = ""
        self._speaking: asyncio.Task[None] | None = None

    async def run(self) -> None:
        try:
            async for message in self._socket:
                control = json.loads(message)
                self._client.messages.append(control)
                match control["type"]:
                    case "Speak":
                        self._text += control["text"]
                    case "Flush":
                        text, self._text = self._text, ""
                        await self._silence(cut=False)
                        self._speaking = asyncio.create_task(self._speak(text.strip()))
                    case "Clear":
                        self._text = ""
                        await self._silence(cut=not self._deepgram.deaf)
                        await self._send({"type": "Cleared", "sequence_id": 0})
                    case "Close":
                        await self._socket.close()
        finally:
            await self._silence(cut=True)

    async def _silence(self, *, cut: bool) -> None:
        speaking, self._speaking = self._speaking, None
        if speaking is not None:
            if cut:
                speaking.cancel()
            await asyncio.wait({speaking})
            if not speaking.cancelled():
                speaking.exception()  # the client went away meanwhile

    async def _speak(self, text: str) -> None:
        if self._deepgram.hang:
            return
        sound = tone(text, self._rate_hz)
        size = int(CHUNK_S * self._rate_hz) * 2
        for number, start in enumerate(range(0, len(sound), size)):
            if number == self._deepgram.die_after:
                self._socket.transport.abort()
                return
            await asyncio.sleep(self._deepgram.delay_s)
            await self._socket.send(sound[start : start + size])
        await self._send({"type": "Flushed", "sequence_id": 0})

    async def _send(self, message: dict[str, Any]) -> None:
        if not self._deepgram.hang:
            await self._socket.send(json.dumps(message))
