"""The whole check against a real Asterisk, in order and in disorder."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
import socket
from pathlib import Path

import pytest
from websockets.asyncio.server import ServerConnection, serve

from bench.asterisk import MEDIA_PASSWORD, MEDIA_USER, Asterisk, running
from server.asterisk.check.findings import Finding, Level
from server.asterisk.check.run import check
from server.asterisk.configuration import Wanted
from tests.asterisk import asterisk, asterisk_home, asterisk_instance

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

CLIENT = "media1"


def _wanted(asterisk: Asterisk, media: str = "server") -> Wanted:
    return Wanted(
        f"ws://127.0.0.1:{asterisk.ports.media}",
        ari_url=asterisk.ari_url,
        ari_user=asterisk.ari_user,
        ari_password=asterisk.ari_password,
        ari_app="not-connected",
        media=media,
        media_user=MEDIA_USER,
        media_password=MEDIA_PASSWORD,
        endpoint="PJSIP/{number}@trunk",
    )


async def _check(wanted: Wanted) -> tuple[bool, list[Finding]]:
    found: list[Finding] = []
    async with asyncio.timeout(30.0):
        return await check(wanted, found.append), found


def _facts(found: list[Finding], level: Level) -> list[str]:
    return [finding.fact for finding in found if finding.level == level]


async def test_one_that_is_ready_where_we_dial(asterisk: Asterisk) -> None:
    ready, found = await _check(_wanted(asterisk))
    assert ready, found
    told = " | ".join(_facts(found, Level.OK))
    for fact in ("ARI answers", "22.", "clocks", "bridges", "endpoint trunk is there",
                 "media WebSocket", "marks and pauses work", "sound passes"):  # fmt: skip
        assert fact in told
    assert _facts(found, Level.NOTE) == [
        "res_musiconhold does not run: music for who waits",
        "no engine is connected as the application not-connected; calls are refused meanwhile",
        "the dialplan has no context palabre-amd that runs AMD(), a witness of who answered",
    ]


async def test_one_that_is_ready_where_it_dials_us(asterisk: Asterisk) -> None:
    ready, found = await _check(_wanted(asterisk, CLIENT))
    assert ready, found
    assert "Asterisk reaches the engine" in " | ".join(_facts(found, Level.OK))


async def test_one_that_reaches_an_engine_that_runs(asterisk: Asterisk) -> None:
    came: list[ServerConnection] = []

    async def engine(connection: ServerConnection) -> None:
        came.append(connection)
        await connection.wait_closed()

    async with serve(engine, "", asterisk.ports.media):
        ready, found = await _check(_wanted(asterisk, CLIENT))
    assert ready, found
    assert "Asterisk reaches the engine that runs, and is let in" in _facts(found, Level.OK)
    [connection] = came
    assert connection.request is not None
    credentials = base64.b64encode(f"{MEDIA_USER}:{MEDIA_PASSWORD}".encode()).decode()
    assert connection.request.headers["Authorization"] == f"Basic {credentials}"


async def test_credentials_of_the_media_that_differ(asterisk: Asterisk) -> None:
    wanted = dataclasses.replace(_wanted(asterisk, CLIENT), media_password="another")
    ready, found = await _check(wanted)
    assert not ready
    [fact] = _facts(found, Level.CHANGE)
    assert "does not show the user and password" in fact


async def test_an_engine_that_does_not_let_asterisk_in(asterisk: Asterisk) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(refuse, "", asterisk.ports.media):
        ready, found = await _check(_wanted(asterisk, CLIENT))
    assert not ready
    [fact] = _facts(found, Level.CHANGE)
    assert fact.startswith("Asterisk does not reach the engine at ws://127.0.0.1:")


async def test_a_client_that_is_not_configured(asterisk: Asterisk) -> None:
    ready, found = await _check(_wanted(asterisk, "nowhere"))
    assert not ready
    assert "Asterisk has no WebSocket client of the name nowhere" in _facts(found, Level.CHANGE)


@pytest.mark.parametrize(
    ("changed", "fact"),
    [
        ({"ari_password": "another"}, "does not know the user palabre"),
        ({"ari_url": "{}/nothing"}, "ARI is not there"),
        ({"endpoint": "PJSIP/{number}@nowhere"}, "no endpoint nowhere"),
    ],
)
async def test_settings_that_are_wrong(
    asterisk: Asterisk, changed: dict[str, str], fact: str
) -> None:
    values = {name: value.replace("{}", asterisk.ari_url) for name, value in changed.items()}
    ready, found = await _check(dataclasses.replace(_wanted(asterisk), **values))
    assert not ready
    [told] = _facts(found, Level.CHANGE)
    assert fact in told


async def test_nobody_answers() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/ari"
        ready, found = await _check(Wanted("ws://127.0.0.1:1", ari_url=url))
    assert not ready
    [told] = found
    assert told.fact.startswith(f"nothing answers at {url}")
    assert "http.conf" in told.do


async def test_what_answers_and_is_no_ari() -> None:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        body = json.dumps({"hello": "you"}).encode()
        head = f"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        writer.close()

    async with await asyncio.start_server(handle, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        ready, [told] = await _check(Wanted("ws://h", ari_url=f"http://127.0.0.1:{port}/ari"))
    assert not ready
    assert told.fact.endswith("answers, and is no ARI")


async def test_a_user_who_may_read_only(asterisk_home: Path, tmp_path: Path) -> None:
    changes = {"ari.conf": lambda text: text.replace("read_only=no", "read_only=yes")}
    with running(tmp_path / "run", changes=changes, cache=asterisk_home) as asterisk:
        ready, found = await _check(_wanted(asterisk))
    assert not ready
    [told] = _facts(found, Level.CHANGE)
    assert told == "the user may read only"


async def test_modules_that_are_missing(asterisk_home: Path, tmp_path: Path) -> None:
    changes = {"modules.conf": lambda text: text.replace("load=chan_websocket.so", "")}
    with running(tmp_path / "run", changes=changes, cache=asterisk_home) as asterisk:
        ready, found = await _check(_wanted(asterisk))
    assert not ready
    told = _facts(found, Level.CHANGE)
    assert told[0].startswith("chan_websocket does not run")
    assert told[1].startswith("Asterisk makes no media channel of 16 kHz")
