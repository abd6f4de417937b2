"""Waiting for what sound brings about."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from bench.errors import BenchError

__all__ = ["until"]

LOOK_S = 0.01


async def until(reached: Callable[[], bool], within_s: float, what: str) -> None:
    """Wait; raises BenchError where `what` does not come about. Cancelling is safe."""
    try:
        async with asyncio.timeout(within_s):
            while not reached():  # noqa: ASYNC110 nobody tells of sound
                await asyncio.sleep(LOOK_S)
    except TimeoutError:
        raise BenchError(f"{what} did not come about within {within_s:.0f} s") from None
