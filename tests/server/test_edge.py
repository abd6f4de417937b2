"""The edge on real sockets: uvicorn with a small application of ours."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import uvloop
from websockets.asyncio.client import connect

from server.edge import CREDIT, EXTENSION, ImpatientHttp, MediaWebSocket, PushWire, whole_sound

pytestmark = pytest.mark.integration

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
        wire.attach(received.append, lambda code: f"goodbye {code}", lambda: None)
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


@pytest.mark.asyncio
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


def test_a_peer_that_resets_is_written_to_in_vain_until_we_are_told() -> None:
    failed: list[RuntimeError] = []

    async def write_on(wire: PushWire, receive: Any) -> None:
        disconnected = asyncio.create_task(until_disconnected(wire, receive))
        while not disconnected.done():  # in each turn of the loop, that of the reset among them
            try:
                wire.write(b"\1\2")
            except RuntimeError as error:
                failed.append(error)
            await asyncio.sleep(0)

    async def call() -> None:
        async with edge(write_on) as port:
            client = await connect(f"ws://127.0.0.1:{port}/", compression=None, proxy=None)
            await client.recv()
            peer = client.transport.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.transport.abort()
            await client.wait_closed()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(call())
    assert failed == []


MASK = bytes.fromhex("37fa213d")
"""RFC 6455, 5.7: the masking key of its examples."""


def _masked(first: int, payload: bytes) -> bytes:
    """One frame of a client; `first` is its first byte."""
    length = len(payload)
    size = bytes([0x80 | length]) if length < 126 else b"\xfe" + length.to_bytes(2, "big")
    return bytes([first]) + size + MASK + bytes(b ^ MASK[n % 4] for n, b in enumerate(payload))


@pytest.mark.asyncio
async def test_sound_that_comes_whole_and_alone_is_opened_at_once() -> None:
    assert whole_sound(bytes.fromhex("828537fa213d7f9f4d5158")) == b"Hello"
    sound = bytes(range(256)) * 2
    assert whole_sound(_masked(0x82, sound)) == sound
    assert whole_sound(_masked(0x82, b"")) == b""


@pytest.mark.parametrize(
    "data",
    [
        _masked(0x81, b"text"),
        _masked(0x02, b"a fragment"),
        _masked(0x80, b"the last fragment"),
        _masked(0xC2, b"an extension's bit"),
        _masked(0x89, b"ping"),
        _masked(0x82, b"and one byte of the next") + b"\x82",
        _masked(0x82, b"half of it")[:9],
        _masked(0x82, bytes(300))[:-1],
        b"\x82\x05Hello",  # not masked
        b"\x82\xff" + bytes(8) + MASK,  # a length of 64 bits
        b"\x82",
        b"",
    ],
)
@pytest.mark.asyncio
async def test_what_is_no_whole_sound_is_left_to_websockets(data: bytes) -> None:
    assert whole_sound(data) is None


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 9, 64, 655, 700])
@pytest.mark.asyncio
async def test_messages_are_the_same_however_the_network_cuts_them(size: int) -> None:
    sound = [bytes([n]) * (630 + n) for n in range(4)]
    stream = b"".join(
        [
            _masked(0x82, sound[0]),
            _masked(0x02, b"\x82\x80"),  # a fragment that looks like a frame
            _masked(0x89, b"ping between"),
            _masked(0x80, MASK),
            _masked(0x82, sound[1]),
            _masked(0x81, "où".encode()),
            _masked(0x82, sound[2]),
            _masked(0x82, sound[3]),
            _masked(0x88, b"\x03\xe8"),
        ]
    )
    async with edge(until_disconnected) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")
        for start in range(0, len(stream), size):
            writer.write(stream[start : start + size])
            await asyncio.sleep(0)
            if start % 7 == 0:
                await asyncio.sleep(0.001)
        assert (await asyncio.wait_for(reader.read(), 10)).endswith(b"\x88\x02\x03\xe8")
        writer.close()
        await writer.wait_closed()
    assert [sound[0], b"\x82\x80" + MASK, sound[1], "où", sound[2], sound[3]] == RECEIVED


@pytest.mark.asyncio
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


@pytest.mark.asyncio
async def test_a_breach_is_told_before_the_close() -> None:
    async with edge(until_disconnected) as port:
        async with connect(f"ws://127.0.0.1:{port}/", compression=None, proxy=None) as socket:
            await socket.send(bytes(1001))
            assert await socket.recv() == "goodbye 1009"
            await socket.wait_closed()
        assert socket.close_code == 1009


@pytest.mark.asyncio
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
@pytest.mark.asyncio
async def test_a_request_that_does_not_come_ends_its_connection(begun: bytes) -> None:
    async with edge(until_disconnected) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()
        with contextlib.suppress(ConnectionResetError):
            await writer.wait_closed()


@pytest.mark.asyncio
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
