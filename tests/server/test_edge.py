"""The edge on real sockets: uvicorn with a small application of ours."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect

from server.edge import CREDIT, EXTENSION, ImpatientHttp, MediaWebSocket, PushWire

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

Handler = Callable[[PushWire, Callable[[], Awaitable[MutableMapping[str, Any]]]], Awaitable[None]]


class Quick(ImpatientHttp):
    patience_s = 0.1


@asynccontextmanager
async def edge(handler: Handler) -> AsyncIterator[int]:
    """The port of a server whose WebSockets are given to `handler`."""

    async def application(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await receive()
        wire: PushWire = scope["extensions"][EXTENSION]
        received.clear()
        wire.attach(received.append, lambda code: f"goodbye {code}")
        await send({"type": "websocket.accept"})
        await handler(wire, receive)

    received: list[bytes | str] = RECEIVED
    config = uvicorn.Config(
        application, host="127.0.0.1", port=0, http=Quick, ws=MediaWebSocket, ws_max_size=1000,
        ws_per_message_deflate=False, lifespan="off", log_config=None, log_level="critical",
    )  # fmt: skip
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  uvicorn has nothing to wait for
        await asyncio.sleep(0.005)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await serving


RECEIVED: list[bytes | str] = []


async def until_disconnected(
    wire: PushWire, receive: Callable[[], Awaitable[MutableMapping[str, Any]]]
) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def test_messages_are_pushed_and_written() -> None:
    async def echo(wire: PushWire, receive: Any) -> None:
        wire.write(b"\1\2")
        wire.write("é")
        await receive()
        assert wire.close_code == 1000
        wire.write("dropped: it is closed")

    async with edge(echo) as port:
        async with connect(f"ws://127.0.0.1:{port}/", compression=None, proxy=None) as socket:
            assert await socket.recv() == b"\1\2"
            assert await socket.recv() == "é"
            await socket.send([b"\1", b"\2\3"])
            await socket.send("oui")
        assert RECEIVED == [b"\1\2\3", "oui"]


async def test_a_close_of_ours_is_answered() -> None:
    async def close(wire: PushWire, receive: Any) -> None:
        wire.close(1008, "x" * 200)
        wire.close(1000, "again")
        await receive()
        assert wire.close_code == 1008

    async with edge(close) as port:
        async with connect(f"ws://127.0.0.1:{port}/", compression=None, proxy=None) as socket:
            await socket.wait_closed()
        assert (socket.close_code, socket.close_reason) == (1008, "x" * 120)


async def test_a_breach_is_told_before_the_close() -> None:
    async with edge(until_disconnected) as port:
        async with connect(f"ws://127.0.0.1:{port}/", compression=None, proxy=None) as socket:
            await socket.send(bytes(1001))
            assert await socket.recv() == "goodbye 1009"
            await socket.wait_closed()
        assert socket.close_code == 1009


async def test_who_sends_too_much_waits_and_loses_nothing() -> None:
    held: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def count(wire: PushWire, receive: Any) -> None:
        await until_disconnected(wire, receive)
        held.set_result(wire.held)

    async with edge(count) as port:
        async with connect(f"ws://127.0.0.1:{port}/", compression=None, proxy=None) as socket:
            for number in range(int(CREDIT) + 300):
                await socket.send(str(number))
        assert await asyncio.wait_for(held, 10) >= 1
    assert [str(number) for number in range(int(CREDIT) + 300)] == RECEIVED


@pytest.mark.parametrize("begun", [b"", b"GET", b"GET / HTTP/1.1\r\nHost: x\r\nX-A: b\r\n"])
async def test_a_request_that_does_not_come_ends_its_connection(begun: bytes) -> None:
    async with edge(until_disconnected) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        with contextlib.suppress(ConnectionResetError):
            await writer.wait_closed()


async def test_requests_that_come_whole_are_answered_one_after_the_other() -> None:
    async with edge(until_disconnected) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(3):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b" 204 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        writer.write(b"GET")  # and the fourth never does
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        with contextlib.suppress(ConnectionResetError):
            await writer.wait_closed()
