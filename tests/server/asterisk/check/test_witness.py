"""Whether AMD() would listen beside calls, with the context and in its absence."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from bench.asterisk import Asterisk, running
from server.asterisk.check.findings import Finding, Level
from server.asterisk.check.reach import Ari
from server.asterisk.check.witness import witness
from server.asterisk.configuration import AMD_CONTEXT, Wanted, configuration
from tests.asterisk import asterisk_home
from tests.server.asterisk.engine import nothing_left

__all__ = ["asterisk_home"]

APP = "palabre-check"
CHANNEL = "palabre-check-near"

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


def with_context(text: str) -> str:
    printed = configuration(Wanted("ws://127.0.0.1:1", ari_url="http://127.0.0.1:1/ari"))
    return text + printed["extensions.conf"]


def another_context(text: str) -> str:
    return f"{text}[{AMD_CONTEXT}]\nexten => s,1,Echo()\n"


def without_amd(text: str) -> str:
    return text.replace("load=app_amd.so", "")


def unread(url: str) -> connect:
    """Events that nobody reads: the goodbye stands behind them."""
    return connect(url, proxy=None, close_timeout=0.2)


async def _tried(asterisk: Asterisk) -> Finding:
    wanted = Wanted(
        "ws://127.0.0.1:1",
        ari_url=asterisk.ari_url,
        ari_user=asterisk.ari_user,
        ari_password=asterisk.ari_password,
    )
    key = f"{asterisk.ari_user}:{asterisk.ari_password}"
    url = f"{asterisk.ari_url.replace('http', 'ws', 1)}/events?app={APP}&api_key={key}"
    made = {"endpoint": "Local/400@from-sip", "app": APP, "channelId": CHANNEL}
    async with asyncio.timeout(10), unread(url), Ari(wanted) as ari:
        await ari.request("POST", "/channels", made)
        found = await witness(ari, APP, CHANNEL)
        await ari.request("DELETE", f"/channels/{CHANNEL}")
        await nothing_left(asterisk)
    return found


@pytest.mark.parametrize(
    ("name", "change", "level"),
    [
        ("extensions.conf", with_context, Level.OK),
        ("extensions.conf", another_context, Level.NOTE),
        ("modules.conf", without_amd, Level.NOTE),
    ],
)
async def test_it_is_tried_and_taken_away(
    name: str, change: Callable[[str], str], level: Level, asterisk_home: Path, tmp_path: Path
) -> None:
    changes = {"extensions.conf": with_context} | {name: change}
    with running(tmp_path / "run", changes=changes, cache=asterisk_home) as asterisk:
        found = await _tried(asterisk)
    assert found.level is level
    assert level is Level.OK or AMD_CONTEXT in found.do
