"""Clients that break the protocol, against the real server; each time a neighbour calls as well."""

from __future__ import annotations

import asyncio
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.server.served import (
    Served,
    abort,
    calling,
    exchange,
    frame,
    handshake,
    http,
    neighbour,
    open_raw,
    serving,
)

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served") / "log") as running:
        yield running
        assert not [r for r in running.records() if r["level"] in ("error", "critical")]


@pytest.mark.parametrize(
    ("query", "code", "known"),
    [
        ("rate=11025", "request.rate", "8000, 16000, 24000, 48000"),
        ("rate=%00", "request.rate", "8000"),
        ("scenario=../../etc/passwd", "request.scenario", "bench, leads"),
        ("scenario=" + "x" * 4000, "request.scenario", "bench, leads"),
        ("language=../leads/fr", "request.language", "en"),
        ("features=mark,fly", "request.features", "clear, mark, noise, pause"),
    ],
)
async def test_a_wrong_request_is_told_and_closed(
    served: Served, query: str, code: str, known: str
) -> None:
    async with calling(served, query) as client:
        error = await client.expect("error", code=code, fatal=True)
        assert known in error["message"]
        assert await client.ended() == (4400, code)
    await served.logged("call.rejected", code=code)


async def test_messages_that_make_no_sense_are_told_and_the_call_goes_on(served: Served) -> None:
    nonsense: list[tuple[str | bytes, str]] = [
        (bytes(641), "audio.odd_bytes"),
        (b"", "audio.odd_bytes"),
        ("bonjour", "message.not_json"),
        ('{"type":"fly"}', "message.unknown"),
        ('{"type":"dtmf","digit":"12"}', "message.invalid"),
        ('{"type":"played","turn":1,"ms":1' + "0" * 400 + "}", "message.invalid"),
        ("[" * 50_000, "message.not_json"),
    ]
    async with neighbour(served), calling(served, "features=mark,clear,pause") as client:
        start = await client.expect("start")
        for message, _ in nonsense:
            await client.socket.send(message)
        for _, code in nonsense:
            assert not (await client.expect("error", code=code))["fatal"]
        for stray in ('{"type":"mark","name":"é\\ud800"}', '{"type":"played","turn":99,"ms":5}'):
            await client.socket.send(stray)
        await client.say()
        await client.expect("transcript", final=True)
        await client.socket.send('{"type":"hangup"}')
        await client.expect("hangup", reason="caller")
        assert (await client.ended())[0] == 1000
    ended = await served.logged("call.ended", call_id=start["session"])
    assert ended["reason"] == "caller"
    assert ended["code"] is None
    assert ended["faults"] == {
        "audio.odd_bytes": 2, "message.not_json": 2, "message.unknown": 1, "message.invalid": 2,
    }  # fmt: skip


async def test_fragmented_messages_are_joined_and_pings_answered(served: Served) -> None:
    async with neighbour(served), calling(served) as client:
        await client.socket.send([b"\0" * 3, b"\0" * 2, b"\0"])  # an even number, in odd parts
        await client.socket.send(['{"type":', '"fly"}'])
        await client.expect("error", code="message.unknown")
        await asyncio.wait_for(await client.socket.ping(), 10)
        assert not [m for m in client.messages if m.get("code") == "audio.odd_bytes"]


@pytest.mark.parametrize(
    ("data", "close_code", "code"),
    [
        pytest.param(frame(BINARY, bytes(64_002)), 1009, "message.too_large", id="large"),
        pytest.param(frame(TEXT, b" " * 3_000_000), 1009, "message.too_large", id="huge"),
        pytest.param(
            frame(BINARY, bytes(60_000), fin=False) + frame(0, bytes(60_000)),
            1009, "message.too_large", id="large in fragments",
        ),
        pytest.param(frame(TEXT, b"\xff\xfe"), 1007, "message.not_utf8", id="not UTF-8"),
        pytest.param(frame(BINARY, bytes(640), masked=False), 1002, "message.malformed", id="bare"),
        pytest.param(frame(0, bytes(640)), 1002, "message.malformed", id="no first fragment"),
        pytest.param(frame(11, b""), 1002, "message.malformed", id="unknown opcode"),
        pytest.param(frame(PING, bytes(126)), 1002, "message.malformed", id="long ping"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 1002, "message.malformed", id="HTTP again"),
    ],
)  # fmt: skip
async def test_a_breach_of_the_wire_is_told_and_closed(
    served: Served, data: bytes, close_code: int, code: str
) -> None:
    async with open_raw(served) as raw:
        answer = await asyncio.to_thread(_send_and_read, raw, data)
    assert f'"code":"{code}"'.encode() in answer
    assert close_code.to_bytes(2, "big") in answer[-128:]
    ended = await served.logged("call.ended", call_id=_session(answer))
    assert ended["code"] == code


def _session(said: bytes) -> str:
    """Whose call it is, by the `start` message."""
    found = re.search(rb'"session":"(\w+)"', said)
    assert found is not None
    return found[1].decode()


def _send_and_read(raw: socket.socket, data: bytes) -> bytes:
    raw.sendall(data)
    answer = b""
    while piece := raw.recv(65536):
        answer += piece
    return answer


async def test_ten_times_realtime_is_told_once_a_second(served: Served) -> None:
    async with neighbour(served), calling(served) as client:
        start = await client.expect("start")
        for _ in range(40):  # 8 s of sound within some 0.8 s
            for _ in range(10):
                await client.socket.send(bytes(640))
            await asyncio.sleep(0.02)
        await client.expect("error", code="audio.too_fast", fatal=False)
        await client.socket.send('{"type":"dtmf","digit":"5"}')
        await client.expect("turn")
    ended = await served.logged("call.ended", call_id=start["session"])
    assert ended["faults"]["audio.too_fast"] > 50
    notices = [m for m in client.messages if m.get("code") == "audio.too_fast"]
    assert len(notices) <= 5


async def test_a_client_that_stops_reading_is_given_up(served: Served) -> None:
    before = served.rss_bytes()
    async with neighbour(served), open_raw(served, "rate=48000", receive_bytes=4096) as raw:
        # Its greeting is 288 kB. Meanwhile it asks for pongs and ledgers, and reads none.
        raw.settimeout(0.01)
        flood = frame(PING, bytes(125)) * 50 + frame(TEXT, b'{"type":"dtmf","digit":"5"}')
        deadline = time.monotonic() + 20
        gone = False
        while not gone and time.monotonic() < deadline:
            try:
                raw.send(flood)
            except TimeoutError:
                pass
            except ConnectionError:
                gone = True
            await asyncio.sleep(0.01)
        assert gone
    ended = await served.logged("call.ended", reason="stalled")
    assert ended["code"] == "client.stalled"
    assert ended["dropped"]
    assert served.rss_bytes() - before < 30_000_000


@pytest.mark.parametrize(
    "message",
    [frame(PING, b""), frame(BINARY, b"x"), frame(TEXT, b'{"type":"dtmf","digit":"5"}')],
    ids=["pings", "odd bytes", "keys"],
)
async def test_a_flood_of_small_messages_is_held_back(served: Served, message: bytes) -> None:
    async with neighbour(served) as client, open_raw(served) as raw:
        said = await asyncio.to_thread(raw.recv, 4096)
        flooding = asyncio.create_task(asyncio.to_thread(_flood, raw, message * 10_000))
        heard = len(client.arrivals)
        await client.until(lambda: len(client.arrivals) >= heard + 50)  # a second of its greeting
        raw.shutdown(socket.SHUT_RDWR)
        await flooding
    ended = await served.logged("call.ended", call_id=_session(said))
    assert ended["held"]


def _flood(raw: socket.socket, data: bytes) -> None:
    with suppress(OSError):  # until the other end of this test shuts it down
        while True:
            raw.send(data)
            with suppress(BlockingIOError):
                raw.recv(1 << 20, socket.MSG_DONTWAIT)


@pytest.mark.parametrize("how", ["reset", "half-close", "close without a word"])
async def test_a_client_that_vanishes_in_the_midst_of_a_turn(served: Served, how: str) -> None:
    async with open_raw(served) as raw:
        said = b""
        while len(said) < 2000:  # the start, and the greeting under way
            said += await asyncio.to_thread(raw.recv, 4096)
        if how == "reset":
            abort(raw)
        elif how == "half-close":
            raw.shutdown(socket.SHUT_WR)
        else:
            raw.close()
        ended = await served.logged("call.ended", call_id=_session(said))
    assert ended["reason"] == "caller"
    assert ended["code"] == "client.vanished"


async def test_connections_that_open_and_vanish(served: Served) -> None:
    await served.settles("websocket_connections", 0)
    before = served.descriptors()
    async with neighbour(served):
        for number in range(200):
            raw = socket.create_connection(("127.0.0.1", served.port))
            raw.sendall([b"", b"GET /media HT", handshake(), handshake() + bytes(99)][number % 4])
            abort(raw)
            await asyncio.sleep(0)
    await served.settles("websocket_connections", 0)
    await served.settles("calls_active", 0)
    assert served.descriptors() <= before + 5


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(300), 400),
        (b"GET\r\n\r\n", 400),
        (b"GET /media HTTP/1.0\r\n\r\n", 426),
        (b"POST /media HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", 405),
        (b"GET /media HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 20_000, 400),
        (handshake().replace(b"Version: 13", b"Version: 7"), 400),
        (handshake().replace(b"Sec-WebSocket-Key", b"X-Key"), 400),
        (handshake().replace(b"/media", b"/nowhere"), 403),
        (b"GET /static/../app.py HTTP/1.0\r\n\r\n", 404),
        (b"GET /static/%2e%2e/settings.py HTTP/1.0\r\n\r\n", 404),
        (b"GET /%ff%fe HTTP/1.0\r\n\r\n", 404),
    ],
)
async def test_garbage_instead_of_a_request(
    served: Served, request_bytes: bytes, status: int
) -> None:
    answer = await exchange(served.port, request_bytes)
    assert http(answer)[0] == status
