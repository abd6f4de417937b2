"""An engine in this process that controls a real Asterisk."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from bench.asterisk import Asterisk
from server.app import Application
from server.settings import Settings

__all__ = ["controlling", "nothing_left", "placed_and_cancelled", "settings_for"]


def settings_for(asterisk: Asterisk, **others: Any) -> Settings:
    settings: dict[str, Any] = {
        "speech": "null",
        "vad": "webrtc",
        "max_lag_ms": 60000.0,
        "ari_url": asterisk.ari_url,
        "ari_user": asterisk.ari_user,
        "ari_password": asterisk.ari_password,
        "ari_app": asterisk.ari_app,
        "ari_endpoint": f"PJSIP/trunk/sip:{{number}}@127.0.0.1:{asterisk.ports.far_end}",
    }
    return Settings(**(settings | others))


@asynccontextmanager
async def controlling(asterisk: Asterisk, **others: Any) -> AsyncIterator[Application]:
    """Connected, and stopped at the end."""
    application = Application(settings_for(asterisk, **others))
    await application.parts.start()
    assert application.asterisk is not None
    running = asyncio.create_task(application.asterisk.run())
    try:
        async with asyncio.timeout(10):
            while await application.asterisk.check() is not None:
                if running.done():
                    running.result()
                await asyncio.sleep(0.01)
        yield application
    finally:
        running.cancel()
        await asyncio.wait({running})
        await application.parts.close()


async def nothing_left(asterisk: Asterisk) -> None:
    """Wait until Asterisk has neither channel nor bridge."""
    async with asyncio.timeout(10):
        while await asyncio.to_thread(asterisk.left):  # noqa: ASYNC110 nobody tells us
            await asyncio.sleep(0.02)


async def placed_and_cancelled(
    engine: Application, chance: random.Random
) -> list[asyncio.Task[Any]]:
    """Calls to 1001, one after the other within moments, each cancelled at another one."""
    assert engine.asterisk is not None
    placed: list[asyncio.Task[Any]] = []
    for _ in range(25):
        placed.append(asyncio.create_task(engine.asterisk.outbound.place("1001")))
        await asyncio.sleep(0.01 * chance.random())
    for task in placed:
        await asyncio.sleep(0.01 * chance.random())
        task.cancel()
    await asyncio.wait(placed)
    return placed
