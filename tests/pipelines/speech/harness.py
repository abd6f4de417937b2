"""Runs one speech service the way a call does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from engine.frames import Audio, Frame
from engine.link import Link
from engine.stage import Service


class Outbox:
    """Keeps what a service puts out."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.arrived = asyncio.Event()

    async def put(self, frame: Frame) -> None:
        self.frames.append(frame)
        self.arrived.set()

    async def until(self, count: int) -> list[Frame]:
        while len(self.frames) < count:
            self.arrived.clear()
            await self.arrived.wait()
        return self.frames


async def serve(service: Service, frames: Iterable[Frame]) -> list[Frame]:
    """What `service` makes of `frames`; the inbox is closed after them."""
    inbox: Link[Frame] = Link(1024)
    outbox = Outbox()
    for frame in frames:
        assert inbox.offer(frame)
    inbox.close()
    await service.run(inbox, outbox)
    return outbox.frames


def sound(frames: Iterable[Frame]) -> bytes:
    return b"".join(frame.pcm for frame in frames if isinstance(frame, Audio))
