"""Whether AMD() would listen beside calls: tried on a channel, and taken away at once."""

from __future__ import annotations

import asyncio
import contextlib
import secrets

from server.asterisk.check.findings import Finding, Level
from server.asterisk.check.reach import Ari, Unreachable
from server.asterisk.configuration import AMD_CONTEXT

__all__ = ["witness"]

WAIT_S = 2.0
"""It takes 10 ms."""
LOOK_EVERY_S = 0.02


async def witness(ari: Ari, app: str, channel: str) -> Finding:
    """Have it hear `channel`, which is up; `app` is an application that is connected. Cancelling
    leaves nothing behind. Raises Unreachable."""
    name = f"palabre-check-{secrets.token_hex(4)}"
    asked = {"app": app, "snoopId": name, "spy": "in", "whisper": "none"}
    try:
        async with asyncio.timeout(WAIT_S):
            await ari.request("POST", f"/channels/{channel}/snoop", asked)
            if await _listens(ari, name):
                return Finding(Level.OK, "AMD() can listen beside calls, as a witness")
    except TimeoutError:
        pass
    finally:
        with contextlib.suppress(Unreachable):  # it has been told already
            await ari.request("DELETE", f"/channels/{name}")
    return Finding(
        Level.NOTE,
        f"the dialplan has no context {AMD_CONTEXT} that runs AMD(), a witness of who answered",
        f"to have it beside the engine's own, paste [{AMD_CONTEXT}] of `palabre asterisk config` "
        "into extensions.conf; then `asterisk -rx 'dialplan reload'`",
    )


async def _listens(ari: Ari, name: str) -> bool:
    """Whether the snoop `name` comes to AMD() in the context; it is gone where there is none."""
    into = {"context": AMD_CONTEXT, "extension": "s", "priority": "1"}
    going = f"/channels/{name}/continue"
    # It can go on once it has entered the application: 409 until then, and nobody reads events.
    while (await ari.request("POST", going, into)).status_code == 409:  # noqa: ASYNC110
        await asyncio.sleep(LOOK_EVERY_S)
    while (there := await ari.get(f"/channels/{name}")) is not None:
        if there["dialplan"]["app_name"] == "AMD":
            return True
        await asyncio.sleep(LOOK_EVERY_S)
    return False
