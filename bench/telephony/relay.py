"""Between the engine and Asterisk's HTTP server: passes everything on, and notes when each command
of the engine's media WebSocket went by."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

__all__ = ["Commands", "Tap", "relayed"]

HOST = "127.0.0.1"
TEXT = 1
"""RFC 6455, 5.2."""


class Tap:
    """What a WebSocket's client sends, after its HTTP request: the TEXT messages in it."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._opened = False

    def feed(self, data: bytes) -> list[str]:
        """The messages that are whole now; continued frames are not looked at."""
        self._data += data
        if not self._opened:
            _, end, rest = self._data.partition(b"\r\n\r\n")
            if not end:
                return []
            self._opened = True
            self._data = bytearray(rest)
        found = []
        while (frame := self._frame()) is not None:
            opcode, payload = frame
            if opcode == TEXT:
                found.append(payload.decode("utf-8", "replace"))
        return found

    def _frame(self) -> tuple[int, bytes] | None:
        data = self._data
        if len(data) < 2:
            return None
        size, at = data[1] & 0x7F, 2
        if size >= 126:
            width = 2 if size == 126 else 8
            size, at = int.from_bytes(data[2 : 2 + width]), 2 + width
        masked = bool(data[1] & 0x80)
        start = at + 4 * masked
        if len(data) < start + size:
            return None
        mask = bytes(data[at:start]) if masked else bytes(4)
        payload = bytes(byte ^ mask[n % 4] for n, byte in enumerate(data[start : start + size]))
        opcode = data[0] & 0x0F
        del data[: start + size]
        return opcode, payload


@dataclass(slots=True)
class Commands:
    """The commands that went by, with their times."""

    port: int
    seen: list[tuple[float, str]] = field(default_factory=list)

    def times(self, name: str) -> list[float]:
        return [at for at, command in self.seen if command == name]


@asynccontextmanager
async def relayed(port: int) -> AsyncIterator[Commands]:
    """A relay to `port` of loopback, on a port of its own."""
    tasks: set[asyncio.Task[None]] = set()
    commands = Commands(0)

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            there_reader, there_writer = await asyncio.open_connection(HOST, port)
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_pass(reader, there_writer, commands))
                    group.create_task(_pass(there_reader, writer, None))
            finally:
                there_writer.close()
        except* OSError:
            pass  # one side is gone, and so is the other
        finally:
            writer.close()
            tasks.discard(task)

    server = await asyncio.start_server(carry, HOST, 0)
    commands.port = server.sockets[0].getsockname()[1]
    try:
        yield commands
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


async def _pass(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, commands: Commands | None
) -> None:
    tap = Tap()
    while data := await reader.read(65536):
        at = time.monotonic()
        writer.write(data)
        if commands is not None:
            for message in tap.feed(data):
                told = json.loads(message) if message.startswith("{") else {}
                if "command" in told:
                    commands.seen.append((at, told["command"]))
        await writer.drain()
    writer.close()
