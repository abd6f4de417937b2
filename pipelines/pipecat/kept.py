"""A hosted service that outlives the turns that use it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Self

from pipelines.pipecat.host import Host

__all__ = ["Kept"]


class Kept:
    """A host that is reused from turn to turn and replaced once it is spent.

    As a context manager it connects at once, in the background, and keeps the connection until the
    end: for the life of a call. Otherwise each turn connects anew.
    """

    def __init__(self, make: Callable[[], Host]) -> None:
        self._make = make
        self._host: Host | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._keep = False

    async def __aenter__(self) -> Self:
        self._keep = True
        self._renewal = asyncio.create_task(self._renew(), name="pipecat connects")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._keep = False
        if self._renewal is not None:
            self._renewal.cancel()
            await self._renewed()
        if self._host is not None:
            host, self._host = self._host, None
            await host.close()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Host]:
        """The service, ready for one turn. What is unfinished at the end is interrupted."""
        host = await self._ready()
        finished = False
        try:
            yield host
            finished = True
        finally:
            if not finished:
                await host.interrupt()
            if not self._keep:
                self._host = None
                await host.close()
            elif host.spent:  # while the user speaks, so that the next turn need not wait
                self._renewal = asyncio.create_task(self._renew(), name="pipecat reconnects")

    async def _ready(self) -> Host:
        await self._renewed()
        if self._host is None or not await self._host.settled():
            await self._renew()
        assert self._host is not None
        return self._host

    async def _renewed(self) -> None:
        """Wait for a connection that is being made. Cancelling is safe: it is made all the same."""
        if self._renewal is not None:
            await asyncio.wait({self._renewal})
            renewal, self._renewal = self._renewal, None
            if not renewal.cancelled():
                renewal.exception()  # the turn that needs it tries once more, and says so

    async def _renew(self) -> None:
        if self._host is not None:
            old, self._host = self._host, None
            await old.close()
        host = self._make()
        await host.open()
        self._host = host
