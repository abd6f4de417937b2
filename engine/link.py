"""Links: the bounded queues between services, each of which says what happens when it is full.

Sound drops the oldest and counts it (late sound is worse than none); everything else waits, so
the producer slows down. Both kinds share one queue, so that sound and events stay in order.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Generic, TypeVar

from engine.frames import Audio

__all__ = ["Closed", "Link"]

T = TypeVar("T")


class Closed(Exception):
    """The link was closed and is empty; ends an ``async for`` as well."""


class Link(Generic[T]):
    """A bounded first-in first-out queue with one consumer.

    `capacity` counts items of each kind: at most that many `Audio`, of which the oldest gives way,
    and at most that many others, for which `put` waits.
    """

    def __init__(self, capacity: int = 64) -> None:
        if capacity < 1:
            raise ValueError("a link holds at least one item")
        self.capacity = capacity
        self.dropped = 0
        """Audio frames given up so far."""
        self._items: deque[T] = deque()
        self._audio = 0
        self._closed = False
        self._getter: asyncio.Future[None] | None = None
        self._putters: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._items)

    @property
    def closed(self) -> bool:
        return self._closed

    def offer(self, item: T) -> bool:
        """Put without waiting. False if the link is full of events (nothing was put) or closed.

        Audio is always taken, at the price of the oldest audio in the link.
        """
        if self._closed:
            return False
        if isinstance(item, Audio):
            if self._audio >= self.capacity:
                self._drop_oldest_audio()
            self._audio += 1
        elif len(self._items) - self._audio >= self.capacity:
            return False
        self._items.append(item)
        if self._getter is not None and not self._getter.done():
            self._getter.set_result(None)
        return True

    async def put(self, item: T) -> None:
        """Put, waiting for room. Cancelling is safe: the item was not put. Raises `Closed`."""
        while not self.offer(item):
            if self._closed:
                raise Closed
            putter = asyncio.get_running_loop().create_future()
            self._putters.append(putter)
            try:
                await putter
            except asyncio.CancelledError:
                if putter.done() and not putter.cancelled():
                    self._wake_putter()  # the room was for us; pass it on
                raise
            finally:
                self._putters.remove(putter)

    async def get(self) -> T:
        """Take the oldest item. Cancelling is safe: nothing is lost. Raises `Closed`."""
        while not self._items:
            if self._closed:
                raise Closed
            self._getter = asyncio.get_running_loop().create_future()
            try:
                await self._getter
            finally:
                self._getter = None
        item = self._items.popleft()
        if isinstance(item, Audio):
            self._audio -= 1
        else:
            self._wake_putter()
        return item

    def __aiter__(self) -> Link[T]:
        return self

    async def __anext__(self) -> T:
        try:
            return await self.get()
        except Closed:
            raise StopAsyncIteration from None

    def close(self) -> None:
        """Take no more; what is in the link can still be got."""
        self._closed = True
        if self._getter is not None and not self._getter.done():
            self._getter.set_result(None)
        for putter in self._putters:
            if not putter.done():
                putter.set_result(None)

    def _drop_oldest_audio(self) -> None:
        oldest = next(i for i, item in enumerate(self._items) if isinstance(item, Audio))
        del self._items[oldest]
        self._audio -= 1
        self.dropped += 1

    def _wake_putter(self) -> None:
        for putter in self._putters:
            if not putter.done():
                putter.set_result(None)
                return
