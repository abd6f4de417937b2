"""Connecting to what is Asterisk, and to what is not."""

from __future__ import annotations

import asyncio
import json
import random
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from telephony.asterisk.ari import connection
from telephony.asterisk.ari.connection import Backoff, connect, events_url
from telephony.asterisk.ari.errors import AriError
from telephony.asterisk.ari.events import Event, Unknown


def test_waits_double_up_to_a_limit_and_differ() -> None:
    backoff = Backoff(first_s=1, most_s=8, rng=random.Random(1))
    waits = [backoff.wait_s() for _ in range(6)]
    for wait, whole in zip(waits, (1, 2, 4, 8, 8, 8), strict=True):
        assert whole / 2 <= wait <= whole
    assert len(set(waits)) == 6
    backoff.reset()
    assert backoff.wait_s() <= 1


@pytest.mark.parametrize(
    ("url", "events"),
    [
        ("http://127.0.0.1:8088/ari", "ws://127.0.0.1:8088/ari/events?app=a%20b"),
        ("https://pbx.example/x/ari/", "wss://pbx.example/x/ari/events?app=a%20b"),
    ],
)
def test_where_events_come_from(url: str, events: str) -> None:
    assert events_url(url, "a b") == events


@pytest.mark.parametrize("url", ["", "127.0.0.1:8088/ari", "ftp://pbx/ari", "http:///ari"])
def test_what_is_no_url_is_said(url: str) -> None:
    with pytest.raises(AriError, match=r"http://127\.0\.0\.1:8088/ari") as caught:
        events_url(url, "palabre")
    assert caught.value.code == "ari.not_there"


@asynccontextmanager
async def asterisk(
    talk: Callable[[ServerConnection], object] | None = None, refuse: HTTPStatus | None = None
) -> AsyncIterator[str]:
    """What answers like one, or refuses; its URL."""

    async def handle(socket: ServerConnection) -> None:
        if talk is not None:
            await talk(socket)  # type: ignore[misc]
        await socket.wait_closed()

    def check(socket: ServerConnection, request: Request) -> Response | None:
        assert request.path == "/ari/events?app=palabre"
        assert request.headers["Authorization"] == "Basic dTpw"
        return None if refuse is None else socket.respond(refuse, "no")

    server: Server
    async with serve(handle, "127.0.0.1", 0, process_request=check) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"


@pytest.mark.asyncio
async def test_requests_and_events_go_over_one_connection() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.send('{"type":"Hello"}')
        asked = json.loads(await socket.recv())
        await socket.send(
            json.dumps(
                {
                    "type": "RESTResponse",
                    "request_id": asked["request_id"],
                    "status_code": 200,
                    "message_body": '{"system":{"version":"22.10.1"}}',
                }
            )
        )

    events: list[Event] = []
    async with asterisk(talk) as url, connect(url, "u", "p", "palabre", events.append) as ari:
        assert (await ari.info()).version == "22.10.1"
        assert events == [Unknown("Hello", {"type": "Hello"})]
    with pytest.raises(AriError) as caught:
        await ari.info()
    assert caught.value.code == "ari.lost"


@pytest.mark.asyncio
async def test_an_end_is_told() -> None:
    async def talk(socket: ServerConnection) -> None:
        await socket.recv()
        socket.transport.abort()

    async with asterisk(talk) as url, connect(url, "u", "p", "palabre") as ari:
        with pytest.raises(AriError) as caught:
            await ari.info()
        assert caught.value is await ari.over()
        assert caught.value.code == "ari.lost"


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "code", "said"),
    [
        (HTTPStatus.UNAUTHORIZED, "ari.credentials", r"\[u\] in ari\.conf"),
        (HTTPStatus.FORBIDDEN, "ari.forbidden", "may not"),
        (HTTPStatus.NOT_FOUND, "ari.not_there", r"enabled=yes in ari\.conf"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "ari.starting", "booted"),
        (HTTPStatus.BAD_REQUEST, "ari.not_there", "400"),
        (HTTPStatus.OK, "ari.not_there", "200"),
    ],
)
async def test_a_refusal_says_what_to_do(status: HTTPStatus, code: str, said: str) -> None:
    async with asterisk(refuse=status) as url:
        with pytest.raises(AriError, match=said) as caught:
            async with connect(url, "u", "p", "palabre"):
                pass
    assert caught.value.code == code


@pytest.mark.asyncio
async def test_nobody_is_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(AriError, match=r"http\.conf") as caught:
        async with connect(f"http://127.0.0.1:{port}/ari", "u", "p", "palabre"):
            pass
    assert caught.value.code == "ari.unreachable"


@pytest.mark.asyncio
async def test_one_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "OPEN_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(AriError, match="firewall") as caught:
            async with connect(f"http://127.0.0.1:{port}/ari", "u", "p", "palabre"):
                pass
    assert caught.value.code == "ari.unreachable"


@pytest.mark.asyncio
async def test_what_is_no_websocket_is_no_asterisk() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"SSH-2.0-x\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(AriError) as caught:
            async with connect(f"http://127.0.0.1:{port}/ari", "u", "p", "palabre"):
                pass
    assert caught.value.code == "ari.not_there"
