"""A WebSocket that we dial, against servers that behave or do not."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response

from engine.errors import ConfigurationError
from server.asterisk.dialled import DialError, DialledWire, whole_sound
from tests.server.served import frame

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

PATIENCE_S = 10.0
HOST = "127.0.0.1"


class Ear:
    """Keeps what a wire brings."""

    def __init__(self) -> None:
        self.heard: list[bytes | str] = []
        self.stalls = 0
        self._changed = asyncio.Event()

    def take(self, message: bytes | str) -> None:
        self.heard.append(message)
        self._changed.set()

    def stalled(self) -> None:
        self.stalls += 1
        self._changed.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()


def wired(port: int, ear: Ear) -> DialledWire:
    wire = DialledWire(f"ws://{HOST}:{port}/media/1", subprotocol="media", max_bytes=64_000)
    wire.attach(ear.take, lambda code: None, ear.stalled)
    return wire


def _media(socket: ServerConnection, offered: object) -> str:
    return "media"


@asynccontextmanager
async def dialled(
    handler: Callable[[ServerConnection], Awaitable[None]],
) -> AsyncIterator[tuple[DialledWire, Ear]]:
    async with (
        asyncio.timeout(PATIENCE_S),
        serve(handler, HOST, 0, select_subprotocol=_media) as server,  # type: ignore[arg-type]
    ):
        ear = Ear()
        wire = wired(next(iter(server.sockets)).getsockname()[1], ear)
        await wire.open()
        yield wire, ear


async def test_messages_go_both_ways_and_either_side_closes() -> None:
    came: list[bytes | str] = []

    async def echo(socket: ServerConnection) -> None:
        assert socket.request is not None
        assert socket.request.path == "/media/1"
        assert socket.subprotocol == "media"
        async for message in socket:
            came.append(message)
            await socket.send(message)

    async with dialled(echo) as (wire, ear):
        sent: list[bytes | str] = [b"\1" * 640, "MARK_MEDIA é", b"", b"\2" * 100, b"\3" * 60_000]
        for message in sent:
            wire.write(message)
        await ear.until(lambda: len(ear.heard) == len(sent))
        assert came == ear.heard == sent
        assert wire.waiting_bytes == 0
        wire.close(1000, "completed")
        wire.close(1000, "again")
        wire.write(b"too late")
        assert await wire.receive() == {"type": "websocket.disconnect", "code": 1000}
        await wire.closed()
    assert came == sent


async def test_the_other_side_closes() -> None:
    async def leave(socket: ServerConnection) -> None:
        await socket.close(1001)

    async with dialled(leave) as (wire, _):
        assert (await wire.receive())["code"] == 1001
        await wire.closed()


async def test_what_comes_in_pieces_or_together_is_whole() -> None:
    async def speak(socket: ServerConnection) -> None:
        write = socket.transport.write
        sound = b"\1\2" * 320
        write(frame(0x2, sound, masked=False))
        await asyncio.sleep(0.05)
        write(frame(0x2, sound, masked=False) * 3 + frame(0x1, b"{}", masked=False))
        await asyncio.sleep(0.05)
        one = frame(0x2, sound, masked=False)
        write(one[:3])
        await asyncio.sleep(0.05)
        write(one[3:] + one[:1])
        await asyncio.sleep(0.05)
        write(one[1:])
        write(frame(0x1, b'{"a":', fin=False, masked=False) + frame(0x9, b"ping", masked=False))
        await asyncio.sleep(0.05)
        write(frame(0x0, b"1}", masked=False) + one)
        await socket.wait_closed()

    async with dialled(speak) as (wire, ear):
        await ear.until(lambda: len(ear.heard) == 9)
        sound = b"\1\2" * 320
        assert ear.heard == [sound, *[sound] * 3, "{}", sound, sound, '{"a":1}', sound]
        wire.close(1000, "")
        await wire.closed()


async def test_one_who_breaks_the_protocol_is_left() -> None:
    async def babble(socket: ServerConnection) -> None:
        socket.transport.write(frame(0x2, b"masked"))
        await socket.wait_closed()

    async with dialled(babble) as (wire, ear):
        await wire.closed()
        assert wire.close_code == 1002
        assert not ear.heard


async def test_who_does_not_read_is_known_and_cut_off() -> None:
    over = asyncio.Event()

    async def sleep(socket: ServerConnection) -> None:
        socket.transport.pause_reading()
        await over.wait()
        socket.transport.abort()

    async with dialled(sleep) as (wire, ear):
        while not wire.blocked:
            for _ in range(100):
                wire.write(bytes(640))
            await asyncio.sleep(0)
        assert ear.stalls == 1
        assert wire.waiting_bytes > 0
        wire.close(1008, "asterisk.stalled")
        await wire.closed()
        over.set()


async def test_a_connection_that_breaks_is_told() -> None:
    async def vanish(socket: ServerConnection) -> None:
        socket.transport.abort()

    async with dialled(vanish) as (wire, _):
        assert (await wire.receive())["code"] == 1006
        wire.write(b"to nobody")
        wire.close(1000, "")
        await wire.closed()


@pytest.mark.parametrize("status", [404, 409, 503])
async def test_a_refusal_has_its_status(status: int) -> None:
    async def never(socket: ServerConnection) -> None:
        raise AssertionError

    def refuse(connection: ServerConnection, request: Request) -> Response:
        return connection.respond(status, "no\n")

    async with asyncio.timeout(PATIENCE_S), serve(never, HOST, 0, process_request=refuse) as server:
        wire = wired(next(iter(server.sockets)).getsockname()[1], Ear())
        with pytest.raises(DialError, match=str(status)) as caught:
            await wire.open()
        assert caught.value.status == status
        await wire.closed()


async def test_nobody_there() -> None:
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
    wire = wired(port, Ear())
    with pytest.raises(DialError, match="cannot be reached"):
        await wire.open()
    assert wire.waiting_bytes == 0
    wire.write(b"nothing")
    wire.close(1000, "")


@pytest.mark.parametrize("answer", [b"SSH-2.0-hello\r\n", b"", b"HTTP/1.1 200 OK\r\n\r\n"])
async def test_another_kind_of_server(answer: bytes) -> None:
    async def serve_it(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async with asyncio.timeout(PATIENCE_S):
        server = await asyncio.start_server(serve_it, HOST, 0)
        async with server:
            wire = wired(server.sockets[0].getsockname()[1], Ear())
            with pytest.raises(DialError):
                await wire.open()


async def test_giving_up_leaves_nothing_open() -> None:
    over = asyncio.Event()

    async def say_nothing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        over.set()

    server = await asyncio.start_server(say_nothing, HOST, 0)
    async with server:
        wire = wired(server.sockets[0].getsockname()[1], Ear())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await wire.open()
        await wire.closed()
        await over.wait()


async def test_an_address_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="ws://"):
        DialledWire("http://asterisk/media", subprotocol="media", max_bytes=64_000)


@pytest.mark.parametrize("size", [1, 125, 126, 640, 65_535])
async def test_a_whole_frame_is_opened(size: int) -> None:
    data = Frame(Opcode.BINARY, b"\7" * size).serialize(mask=False)
    assert whole_sound(data) == b"\7" * size
    assert whole_sound(data[:-1]) is None
    assert whole_sound(data + b"x") is None
    assert whole_sound(b"\x81" + data[1:]) is None
    assert whole_sound(Frame(Opcode.BINARY, b"\7" * size).serialize(mask=True)) is None
    assert whole_sound(b"\x82") is None
    assert whole_sound(b"\x82\x7e\x02") is None


async def test_who_is_cancelled_while_it_connects_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = asyncio.get_running_loop()
    connecting, connected = loop.create_connection, asyncio.Event()
    complaints: list[dict[str, Any]] = []

    async def not_yet(*args: Any, **others: Any) -> Any:
        """Connected, and not told: between two steps of the loop's."""
        await connecting(*args, **others)
        connected.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(loop, "create_connection", not_yet)
    loop.set_exception_handler(lambda loop, context: complaints.append(context))
    with socket.create_server((HOST, 0)) as silent:  # what comes is accepted, and not answered
        opening = asyncio.create_task(wired(silent.getsockname()[1], Ear()).open())
        await connected.wait()
        opening.cancel()
        await asyncio.wait({opening})
    del opening
    gc.collect()
    assert complaints == []
