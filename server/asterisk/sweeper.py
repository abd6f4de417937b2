"""Deletes what calls leave in Asterisk, beside them: nobody waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from telephony.asterisk.ari.client import Ari
from telephony.asterisk.ari.errors import AriError

__all__ = ["Sweeper"]

log = structlog.get_logger()

FAREWELL_S = 2.0
"""How long what is left may take to be deleted when the engine stops."""


class Sweeper:
    """Deletes over `ari`, in the order in which it was told. What cannot be deleted, because there
    is no connection (None) or it is lost, is found at the next one."""

    def __init__(self, ari: Callable[[], Ari | None]) -> None:
        self._ari = ari
        self._unwanted: asyncio.Queue[tuple[str, str]] = asyncio.Queue()

    def channel(self, channel_id: str, reason: str = "normal") -> None:
        """End a channel; `reason` is what an unanswered caller is told."""
        self._unwanted.put_nowait((channel_id, reason))

    def bridge(self, bridge_id: str) -> None:
        """Take a bridge apart."""
        self._unwanted.put_nowait((bridge_id, ""))

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            name, reason = await self._unwanted.get()
            try:
                ari = self._ari()
                if ari is not None and reason:
                    await ari.hang_up(name, reason)
                elif ari is not None:
                    await ari.delete_bridge(name)
            except AriError as error:
                log.warning("asterisk.not_deleted", code=error.code, problem=str(error))
            finally:
                self._unwanted.task_done()

    async def done(self) -> None:
        """Wait until all is deleted, but not for ever."""
        try:
            async with asyncio.timeout(FAREWELL_S):
                await self._unwanted.join()
        except TimeoutError:
            log.warning("asterisk.left_behind", count=self._unwanted.qsize())
