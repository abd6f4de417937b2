"""Health: each part of a server is asked to do a little of its work, within a time limit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from engine.errors import PalabreError

__all__ = ["TIME_LIMIT_S", "Check", "Health"]

log = structlog.get_logger()

Check = Callable[[], Awaitable[str | None]]
"""Does a little of a part's work. What is wrong with it is returned, or raised as PalabreError."""

TIME_LIMIT_S = 2.0
"""A part that needs longer for next to nothing is no use to a call; probes commonly wait for 5."""


class Health:
    """What is wrong with each part, now."""

    def __init__(self, checks: Mapping[str, Check], limit_s: float = TIME_LIMIT_S) -> None:
        self._checks = dict(checks)
        self._limit_s = limit_s

    @property
    def parts(self) -> list[str]:
        return sorted(self._checks)

    async def part(self, name: str) -> str | None:
        """What is wrong with the part `name`; None if nothing is. Cancelling is safe."""
        try:
            async with asyncio.timeout(self._limit_s):
                return await self._checks[name]()
        except TimeoutError:
            return f"no answer within {self._limit_s:g} s"
        except PalabreError as error:
            return str(error)
        except Exception as error:
            log.error("health.failed", part=name, exc_info=error)
            return f"its check failed with {type(error).__name__}; see the server's log"

    async def all(self) -> dict[str, str | None]:
        """By part: what is wrong with it, or None."""
        names = self.parts
        return dict(zip(names, await asyncio.gather(*map(self.part, names)), strict=True))
