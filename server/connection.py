"""A WebSocket that carries one call: what arrives goes to its channel, and so does its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any, Protocol

from server.calls import Calls, Failing
from server.edge import EXTENSION, PushWire
from telephony.wire import Wire

__all__ = ["Message", "PushedWire", "Receive", "Send", "SocketChannel", "connected", "wire_of"]

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
"""ASGI's own, plain: a framework would handle every message of sound."""


class PushedWire(Wire, Protocol):
    """A wire that hands over each message as it is parsed; whoever dialled it."""

    def attach(
        self,
        receiver: Callable[[bytes | str], None],
        farewell: Callable[[int], str | None],
        stalled: Callable[[], None],
    ) -> None: ...

    @property
    def close_code(self) -> int: ...


class SocketChannel(Failing, Protocol):
    """What a `PushedWire` is read by."""

    def received(self, message: bytes | str, now: float) -> None:
        """A whole message arrived."""
        ...

    def watch(self, now: float) -> None:
        """Called while the peer does not read, and once after: it may be given up."""
        ...

    def lost(self, reason: str, fault: str | None = None) -> None:
        """The connection is gone."""
        ...


def wire_of(scope: Message) -> PushWire:
    """The connection that a WebSocket's scope stands for."""
    wire: PushWire = scope["extensions"][EXTENSION]
    return wire


@asynccontextmanager
async def connected(
    calls: Calls,
    wire: PushedWire,
    receive: Receive,
    channel: SocketChannel,
    session_id: str,
    *,
    farewell: Callable[[int], str | None] = lambda code: None,
    ended: Callable[[int], str | None] = lambda code: None,
) -> AsyncIterator[None]:
    """Bring what `wire` receives to `channel` as long as the body runs; enter it before the
    handshake is accepted.

    `farewell` is the last TEXT for a peer that broke the protocol, `ended` the fault that a
    connection ended with, both by its close code.
    """

    def take(message: bytes | str) -> None:
        try:
            channel.received(message, calls.clock.now())
        except Exception as error:  # noqa: BLE001 the border: the next call must not notice
            calls.failed(channel, session_id, error)
            channel.lost("error")

    def watch_reader(now: float) -> None:
        channel.watch(now)
        if not wire.blocked:
            calls.ticker.remove(channel)

    async def watch_end() -> None:
        # Sound and control do not come this way, but for what a client sent before its handshake
        # was answered, which is dropped.
        while (await receive())["type"] != "websocket.disconnect":
            pass
        channel.lost("caller", ended(wire.close_code))

    wire.attach(take, farewell, lambda: calls.ticker.add(channel, watch_reader))
    watching = asyncio.create_task(watch_end(), name="connection")
    try:
        yield
    finally:
        calls.ticker.remove(channel)
        watching.cancel()
        await asyncio.wait({watching})
