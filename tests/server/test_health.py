"""Health: what a part's check says, or fails to say."""

from __future__ import annotations

import asyncio

from engine.errors import SpeechError
from server.health import Health
from tests.virtual import virtual


async def well() -> str | None:
    return None


async def ill() -> str | None:
    return "it forgets"


async def stuck() -> str | None:
    await asyncio.Event().wait()
    return None


async def missing() -> str | None:
    raise SpeechError("no recogniser; run `palabre models`")


async def broken() -> str | None:
    raise ZeroDivisionError


@virtual
async def test_every_part_says_what_is_wrong_with_it() -> None:
    health = Health(
        {"well": well, "ill": ill, "stuck": stuck, "missing": missing, "broken": broken}
    )
    began = asyncio.get_running_loop().time()
    assert await health.all() == {
        "broken": "its check failed with ZeroDivisionError; see the server's log",
        "ill": "it forgets",
        "missing": "no recogniser; run `palabre models`",
        "stuck": "no answer within 2 s",
        "well": None,
    }
    assert asyncio.get_running_loop().time() - began == 2.0  # at the same time
    assert health.parts == ["broken", "ill", "missing", "stuck", "well"]
