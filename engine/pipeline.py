"""A pipeline: stages in a row, transforms fused, one task and one bounded link per service."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence

from engine.frames import Frame
from engine.link import Closed, Link
from engine.stage import Feed, Service, Stage, Transform, fuse, is_service, is_transform

__all__ = ["Pipeline"]


class _Segment:
    """Fused transforms, then a link to the next service or, at the end, the sink."""

    def __init__(self, feed: Feed, link: Link[Frame] | None, sink: Callable[[Frame], None]) -> None:
        self._feed = feed
        self._link = link
        self._sink = sink

    async def put(self, frame: Frame) -> None:
        for out in self._feed(frame):
            if self._link is None:
                self._sink(out)
            else:
                await self._link.put(out)

    def offer(self, frame: Frame) -> bool:
        taken = True
        for out in self._feed(frame):
            if self._link is None:
                self._sink(out)
            else:
                taken = self._link.offer(out) and taken
        return taken

    def close(self) -> None:
        if self._link is not None:
            self._link.close()


class Pipeline:
    """Stages from `feed` or `put` at the front to `sink` (called synchronously) at the end.

    `capacity` bounds every link. A pipeline without services needs no `run`.
    """

    def __init__(
        self, stages: Sequence[Stage], sink: Callable[[Frame], None], capacity: int = 64
    ) -> None:
        services: list[tuple[Service, Link[Frame]]] = []
        transforms: list[list[Transform]] = [[]]
        for stage in stages:
            if is_service(stage):
                services.append((stage, Link(capacity)))
                transforms.append([])
            elif is_transform(stage):
                transforms[-1].append(stage)
            else:
                raise TypeError(f"{stage!r} has neither feed nor run")
        links: list[Link[Frame] | None] = [link for _, link in services]
        segments = [
            _Segment(fuse(group), link, sink)
            for group, link in zip(transforms, [*links, None], strict=True)
        ]
        self._head = segments[0]
        self._services = [
            (service, link, segment)
            for (service, link), segment in zip(services, segments[1:], strict=True)
        ]

    def feed(self, frame: Frame) -> bool:
        """Push a frame in without waiting: what the media plane does.

        False if an event found no room and was lost, which a caller treats as a failed turn.
        """
        return self._head.offer(frame)

    async def put(self, frame: Frame) -> None:
        """Push a frame in, waiting for room. Raises `Closed` where nobody takes it any more.

        Cancelling is safe, but of a frame that the first transforms make several of, some may have
        gone in.
        """
        await self._head.put(frame)

    def close(self) -> None:
        """No more frames will come; services finish what they hold and return."""
        self._head.close()

    @property
    def dropped(self) -> int:
        """Audio frames given up in all links."""
        return sum(link.dropped for _, link, _ in self._services)

    async def run(self, source: AsyncIterable[Frame] | None = None) -> None:
        """Put all of `source` in, then close; run the services until all have returned.

        Without `source` the caller feeds and closes.

        A service that raises ends the pipeline, and its error is raised as it is (the first, if
        there are several). Cancelling is safe and ends every service.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for service, link, segment in self._services:
                    group.create_task(self._serve(service, link, segment))
                if source is not None:
                    await self._take(source)
        except* Exception as failures:
            raise _first(failures) from failures

    async def _take(self, source: AsyncIterable[Frame]) -> None:
        frames = aiter(source)
        try:
            async for frame in frames:
                await self.put(frame)
        except Closed:
            pass  # the first service has returned: it wants no more
        finally:
            self.close()
            if isinstance(frames, AsyncGenerator):
                await frames.aclose()

    @staticmethod
    async def _serve(service: Service, link: Link[Frame], segment: _Segment) -> None:
        try:
            await service.run(link, segment)
        except Closed:
            pass  # the stage after this one has returned: nobody listens any more
        finally:
            link.close()
            segment.close()


def _first(failures: BaseExceptionGroup[Exception]) -> Exception:
    error: BaseException = failures
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, Exception)
    return error
