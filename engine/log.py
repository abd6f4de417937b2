"""A session's log on its way to the store, in order and beside the conversation."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engine.clock import Clock
from engine.errors import StoreError
from engine.store import Store, StoredEvent, VersionError

__all__ = ["ANSWER_S", "RETRY_S", "SessionLog"]

RETRY_S = 1.0
"""How long after a failure the store is asked again."""

ANSWER_S = 10.0
"""How long a store may take to answer before it is asked again: an append takes milliseconds, and
one whose connection died without a word would else be waited for until the end."""


class SessionLog:
    """Keeps what the store has not taken yet, and offers it again until it has.

    `on_broken` is called once if that is in vain, because somebody else writes to the same log
    or the store itself is at fault; `close` then raises the error.
    """

    def __init__(
        self, session: str, store: Store, clock: Clock, on_broken: Callable[[], object]
    ) -> None:
        self._session = session
        self._store = store
        self._clock = clock
        self._on_broken = on_broken
        self._version = 0
        self._unwritten: list[StoredEvent] = []
        self._writer: asyncio.Task[None] | None = None

    def record(self, name: str, data: dict[str, object]) -> None:
        """Note that `name` happened now; never waits."""
        self._unwritten.append(StoredEvent(name, self._clock.wall(), data))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write(), name=f"log of {self._session}")
            self._writer.add_done_callback(self._written)

    async def close(self, patience_s: float) -> None:
        """Wait at most `patience_s` until all is written.

        Raises VersionError, or StoreError if the store could not be reached in that time.
        Cancelling is safe: the writing ends with it.
        """
        writer = self._writer
        if writer is None:
            return
        try:
            await asyncio.wait({writer}, timeout=patience_s)
        finally:
            writer.cancel()
        await asyncio.wait({writer})
        if writer.cancelled():
            raise StoreError(
                f"{len(self._unwritten)} events of session {self._session} are not stored: "
                f"the store was out of reach for {patience_s:g} s; check that it runs"
            )
        writer.result()

    async def _write(self) -> None:
        while self._unwritten:
            events = tuple(self._unwritten)
            await self._append(events)
            self._version += len(events)
            del self._unwritten[: len(events)]
        self._writer = None

    async def _append(self, events: tuple[StoredEvent, ...]) -> None:
        asked_before = False
        while True:
            try:
                async with asyncio.timeout(ANSWER_S):
                    await self._store.append(self._session, self._version, events)
            except (StoreError, TimeoutError):
                asked_before = True
                await asyncio.sleep(RETRY_S)
            except VersionError as error:
                if asked_before and error.actual == self._version + len(events):
                    return  # it was appended, only the answer was lost
                raise
            else:
                return

    def _written(self, writer: asyncio.Task[None]) -> None:
        if not writer.cancelled() and writer.exception() is not None:
            self._on_broken()
