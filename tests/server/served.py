"""The server as a child process, and clients of it that behave or do not."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosedError

from pipelines.speech.espeak import synthesise

__all__ = [
    "BRIEF",
    "Client",
    "Served",
    "calling",
    "frame",
    "neighbour",
    "open_raw",
    "run",
    "serving",
]

ROOT = Path(__file__).parents[2]
BRIEF = str(Path(__file__).parent / "brief" / "scenario.yaml")
"""A scenario of short lines: with ``--speech null`` a second of greeting, two of each answer."""
SILENCE = bytes(640)
PATIENCE_S = 60.0
"""No test waits this long unless something is broken."""

LATE_S = 0.4
"""How late a neighbour's frame may come, on a machine that other work keeps busy. Whoever holds the
loop for a client's sake holds it longer, or for all of an attack."""
BUSIER = 4
"""A machine so busy that we are woken late ourselves may be that many times as late with the server
besides."""


def command(*arguments: str, env: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    environment = {key: value for key, value in os.environ.items() if "PALABRE" not in key}
    environment |= {"PYTHONPATH": str(ROOT), **env}
    return [sys.executable, "-P", "-m", "server", "serve", *arguments], environment


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`palabre serve` that should end by itself."""
    args, environment = command(*arguments, env=env)
    return subprocess.run(
        args, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )


class Served:
    """A running server."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        self.pid = process.pid
        ready = self.expect("server.ready")
        found = re.search(r":(\d+)/", ready["url"])
        assert found is not None
        self.port = int(found[1])

    @property
    def log(self) -> str:
        return self._log.read_text(encoding="utf-8")

    def records(self) -> list[dict[str, Any]]:
        """The log; every line is one JSON object."""
        whole, _, _ = self.log.rpartition("\n")
        return [json.loads(line) for line in whole.splitlines()]

    def expect(self, event: str, **fields: Any) -> dict[str, Any]:
        """The record of `event` with `fields`, as soon as it is there."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for record in self.records():
                if record["event"] == event and fields.items() <= record.items():
                    return record
            assert self._process.poll() is None or event == "server.stopped", self.log
            time.sleep(0.01)
        raise AssertionError(f"no {event} {fields} in:\n{self.log}")

    async def logged(self, event: str, **fields: Any) -> dict[str, Any]:
        """`expect`, beside other tasks."""
        return await asyncio.to_thread(self.expect, event, **fields)

    def rss_bytes(self) -> int:
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    def descriptors(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def signal(self, which: signal.Signals) -> None:
        self._process.send_signal(which)

    def wait(self) -> int:
        return self._process.wait(PATIENCE_S)

    async def ended(self) -> int:
        """The exit code, when it has ended by itself."""
        return await asyncio.to_thread(self.wait)

    async def get(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (names in lower case) and body of GET `path`."""
        answer = await exchange(self.port, f"GET {path} HTTP/1.0\r\nHost: x\r\n\r\n".encode())
        return http(answer)

    async def metric(self, name: str) -> float:
        _, _, body = await self.get("/metrics")
        found = re.search(rf"^{re.escape(name)} (\S+)$", body.decode(), re.MULTILINE)
        assert found is not None, f"no {name}"
        return float(found[1])

    async def settles(self, name: str, value: float) -> None:
        """Wait until the metric `name` is `value`."""
        deadline = time.monotonic() + PATIENCE_S
        while (now := await self.metric(name)) != value:
            assert time.monotonic() < deadline, f"{name} is {now}"
            await asyncio.sleep(0.02)


@contextmanager
def serving(log: Path, *arguments: str, **env: str) -> Iterator[Served]:
    """`palabre serve --speech null` on a free port. Ended by its pid."""
    # A busy machine must not have calls refused, nor Silero's weights loaded for a tone.
    settings = {"PALABRE_MAX_LAG_MS": "60000", "PALABRE_VAD": "webrtc", **env}
    args, environment = command(
        "--speech", "null", "--port", "0", "--log-json", *arguments, env=settings
    )
    with log.open("wb") as output:
        process = subprocess.Popen(args, env=environment, stdout=output, stderr=output)
    try:
        yield Served(process, log)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(PATIENCE_S)


# Clients that behave


class Client:
    """The client's side of a call."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.messages: list[dict[str, Any]] = []
        self.arrivals: list[float] = []
        """When each frame of sound came."""
        self.woken_late_s = 0.0
        """The most that this process was woken late, in `watch_the_clock`."""
        self._changed = asyncio.Condition()

    async def read(self) -> None:
        with contextlib.suppress(ConnectionClosedError):
            await self._read()

    async def _read(self) -> None:
        async for message in self.socket:
            async with self._changed:
                if isinstance(message, bytes):
                    self.arrivals.append(time.monotonic())
                else:
                    self.messages.append(json.loads(message))
                self._changed.notify_all()

    async def watch_the_clock(self) -> None:
        """Until cancelled, which is safe: see how late the machine lets us go on."""
        while True:
            due = time.monotonic() + 0.02
            await asyncio.sleep(0.02)
            self.woken_late_s = max(self.woken_late_s, time.monotonic() - due)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S), self._changed:
            await self._changed.wait_for(condition)

    async def expect(self, kind: str, **fields: Any) -> dict[str, Any]:
        """The first message of `kind` with `fields`."""

        def found() -> dict[str, Any] | None:
            for message in self.messages:
                if message["type"] == kind and fields.items() <= message.items():
                    return message
            return None

        await self.until(lambda: found() is not None)
        message = found()
        assert message is not None
        return message

    def count(self, kind: str) -> int:
        return sum(message["type"] == kind for message in self.messages)

    async def say(self) -> None:
        """Some words in real time, then silence until the server has heard them."""
        words = speech()
        began = time.monotonic()
        for number, start in enumerate(range(0, len(words), 640)):
            await self.socket.send(words[start : start + 640])
            await asyncio.sleep(max(0.0, began + number * 0.02 - time.monotonic()))

    async def ended(self) -> tuple[int, str]:
        """Close code and reason, when the server has closed."""
        async with asyncio.timeout(PATIENCE_S):
            await self.socket.wait_closed()
        assert self.socket.close_code is not None
        return self.socket.close_code, self.socket.close_reason or ""


@cache
def speech() -> bytes:
    pcm = synthesise("oui bonjour madame")
    return pcm + bytes(-len(pcm) % 640)


@asynccontextmanager
async def calling(served: Served, query: str = "") -> AsyncIterator[Client]:
    """A call."""
    url = f"ws://127.0.0.1:{served.port}/media?{query}"
    async with connect(url, compression=None, ping_interval=None, proxy=None) as socket:
        client = Client(socket)
        reading = asyncio.create_task(client.read())
        try:
            yield client
        finally:
            await socket.close()
            await asyncio.wait({reading})


@asynccontextmanager
async def neighbour(served: Served) -> AsyncIterator[Client]:
    """A decent call that goes on meanwhile; afterwards its sound must have come in time, and it
    is heard and answered as ever."""
    async with calling(served) as client:
        watching = asyncio.create_task(client.watch_the_clock())
        await client.until(lambda: len(client.arrivals) > 5)
        try:
            yield client
        finally:
            watching.cancel()
            await asyncio.wait({watching})
        frames = len(client.arrivals)
        await client.until(lambda: len(client.arrivals) >= min(150, frames + 5))
        arrivals = client.arrivals
        # Paced from the first: whatever the greeting's 150 frames show as lateness is the server's.
        late = max(at - arrivals[0] - n * 0.02 for n, at in enumerate(arrivals[:150]))
        assert late < LATE_S + BUSIER * client.woken_late_s, client.woken_late_s
        before = client.count("reply")
        await client.say()
        await client.expect("transcript", text="oui bonjour", final=True)
        await client.until(lambda: client.count("reply") > before)
        await client.expect("turn", turn=1)


# Clients that do not


@asynccontextmanager
async def open_raw(
    served: Served, query: str = "", receive_bytes: int = 0
) -> AsyncIterator[socket.socket]:
    """A call on a bare socket (blocking, with a time limit), its handshake done."""
    raw = socket.socket()
    if receive_bytes:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    raw.settimeout(PATIENCE_S)
    with raw:
        await asyncio.to_thread(raw.connect, ("127.0.0.1", served.port))
        raw.sendall(handshake(query))
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += await asyncio.to_thread(raw.recv, 1)
        assert head.startswith(b"HTTP/1.1 101"), head
        yield raw


def handshake(query: str = "") -> bytes:
    key = base64.b64encode(bytes(16)).decode()
    return (
        f"GET /media?{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def frame(opcode: int, data: bytes, *, fin: bool = True, masked: bool = True) -> bytes:
    """A frame of RFC 6455, 5.2; the mask is zero."""
    size = len(data)
    if size < 126:
        length = struct.pack("!B", size | masked << 7)
    elif size < 1 << 16:
        length = struct.pack("!BH", 126 | masked << 7, size)
    else:
        length = struct.pack("!BQ", 127 | masked << 7, size)
    return bytes([fin << 7 | opcode]) + length + bytes(4 * masked) + data


def abort(raw: socket.socket) -> None:
    """Vanish: with a reset instead of a goodbye."""
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.close()


async def exchange(port: int, request: bytes) -> bytes:
    """What the server answers to `request` until it closes."""
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request)
            with contextlib.suppress(ConnectionError):
                return await reader.read()
            return b""
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


def http(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split()[1]), headers, body
