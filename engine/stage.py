"""The two shapes of a stage, and how adjacent transforms become one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeGuard

from engine.frames import Frame
from engine.link import Link

__all__ = ["Feed", "Outlet", "Service", "Stage", "Transform", "fuse", "is_service", "is_transform"]

Feed = Callable[[Frame], Iterable[Frame]]
"""A transform as a function: one frame in, any number out."""


class Transform(Protocol):
    """A synchronous step: no clock, no I/O, no waiting. A frame it has no use for passes on."""

    def feed(self, frame: Frame) -> Iterable[Frame]: ...


class Outlet(Protocol):
    """Where a service puts its frames."""

    async def put(self, frame: Frame) -> None:
        """Hand on one frame, waiting while the next stage is full. Cancelling is safe."""
        ...


class Service(Protocol):
    """A step that waits: exactly one task.

    Returning closes what follows; raising fails the turn. A frame it has no use for goes on to
    the outbox. Cancelling `run` must be safe at every await.
    """

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None: ...


Stage = Transform | Service


def is_service(stage: Stage) -> TypeGuard[Service]:
    return hasattr(stage, "run")


def is_transform(stage: Stage) -> TypeGuard[Transform]:
    return hasattr(stage, "feed")


def fuse(transforms: Sequence[Transform]) -> Feed:
    """Run `transforms` one after the other by direct call, as one function."""
    if not transforms:
        return lambda frame: (frame,)
    if len(transforms) == 1:
        return transforms[0].feed
    first, rest = transforms[0].feed, fuse(transforms[1:])

    def feed(frame: Frame) -> Iterable[Frame]:
        out: list[Frame] = []
        for produced in first(frame):
            out.extend(rest(produced))
        return out

    return feed
