"""All of the check, in the order in which things have to be put right."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from urllib.parse import quote, urlencode, urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake

from server.asterisk.check.findings import (
    Finding,
    Level,
    of_application,
    of_clock,
    of_endpoint,
    of_modules,
    of_version,
)
from server.asterisk.check.media import media
from server.asterisk.check.reach import Ari, Unreachable
from server.asterisk.configuration import Wanted, endpoint_of

__all__ = ["check"]

GOODBYE_S = 0.2


async def check(wanted: Wanted, tell: Callable[[Finding], None]) -> bool:
    """Whether nothing has to be changed; `tell` is given each finding as it is found.

    Cancelling leaves nothing behind in Asterisk.
    """
    good = True
    async for finding in _findings(wanted):
        good &= finding.level != Level.CHANGE
        tell(finding)
    return good


async def _findings(wanted: Wanted) -> AsyncIterator[Finding]:
    try:
        async with Ari(wanted) as ari:
            ping = await ari.ping()
            yield Finding(
                Level.OK, f"ARI answers at {wanted.ari_url}, after {ping.rtt_s * 1000:.1f} ms"
            )
            info = await ari.get("/asterisk/info")
            if info is not None:
                yield of_version(info["system"]["version"])
            modules = await ari.get("/asterisk/modules")
            if modules is not None:
                for finding in of_modules(modules, ari=True):
                    yield finding
            yield of_clock(ping.ahead_s, ping.rtt_s / 2)
            rights = await _rights(ari)
            yield rights
            yield of_application(await ari.get("/applications") or (), wanted.ari_app)
            for finding in await _endpoint(ari, endpoint_of(wanted.endpoint)):
                yield finding
            if rights.level == Level.OK:
                for finding in await _media(ari, wanted):
                    yield finding
    except Unreachable as unreachable:
        yield unreachable.finding


async def _rights(ari: Ari) -> Finding:
    """Whether the user may do things: a bridge is made, and taken away."""
    name = f"palabre-check-{secrets.token_hex(4)}"
    answer = await ari.request("POST", f"/bridges/{name}", {"type": "mixing"})
    await ari.request("DELETE", f"/bridges/{name}")
    if answer.status_code < 300:
        return Finding(Level.OK, "the user may make calls and bridges")
    if answer.status_code == 403:
        return Finding(
            Level.CHANGE,
            "the user may read only",
            "set read_only = no in ari.conf, then `asterisk -rx 'module reload res_ari.so'`",
        )
    return Finding(
        Level.CHANGE,
        f"no bridge can be made: ARI answers {answer.status_code}",
        "load res_ari_bridges.so, res_stasis.so and bridge_simple.so",
    )


async def _endpoint(ari: Ari, name: str) -> list[Finding]:
    if not name:
        return []
    there = await ari.get(f"/endpoints/PJSIP/{quote(name, safe='')}")
    path = f"/asterisk/config/dynamic/res_pjsip/endpoint/{quote(name, safe='')}"
    attributes = await ari.get(path) if there else None
    return of_endpoint(name, there["state"] if there else None, attributes)


async def _media(ari: Ari, wanted: Wanted) -> list[Finding]:
    """Under an application of our own: that of the engine may be running."""
    app = f"palabre-check-{secrets.token_hex(4)}"
    parts = urlsplit(wanted.ari_url)
    scheme = "wss" if parts.scheme == "https" else "ws"
    query = urlencode({"app": app, "api_key": f"{wanted.ari_user}:{wanted.ari_password}"})
    url = f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}/events?{query}"
    try:
        # Nobody reads them: it is enough that the application is connected.
        async with connect(url, compression=None, proxy=None, close_timeout=GOODBYE_S):
            return await media(ari, wanted, app)
    except (OSError, InvalidHandshake) as error:
        return [
            Finding(
                Level.CHANGE,
                f"ARI's events cannot be had: {error}",
                "load res_http_websocket.so and res_ari_events.so",
            )
        ]
