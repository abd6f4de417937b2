"""The server that a call starts is waited for, and ended whatever happens."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from engine.clock import SystemClock
from server.talk import child
from server.talk.call import CallError
from server.talk.child import Server

pytestmark = [pytest.mark.asyncio, pytest.mark.integration]

SERVES = """
import http.server, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response({status})
        self.end_headers()
        self.wfile.write(b'{body}')
    def log_message(self, *_):
        pass
signal.signal(signal.SIGTERM, {on_sigterm})
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print("starting url=http://127.0.0.1:%d/" % server.server_port, flush=True)
server.serve_forever()
"""


def program(
    status: int = 200, body: str = "{}", on_sigterm: str = "signal.SIG_DFL"
) -> Sequence[str]:
    code = SERVES.format(status=status, body=body, on_sigterm=on_sigterm)
    return (sys.executable, "-c", code)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_it_is_ready_when_its_health_says_so_and_ends_with_the_block(tmp_path: Path) -> None:
    with Server(tmp_path / "log", [], SystemClock(), program()) as server:
        url = await server.ready()
        assert url.startswith("http://127.0.0.1:")
        assert alive(server.pid)
    assert not alive(server.pid)


async def test_one_that_does_not_end_is_made_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "STOP_S", 0.3)
    deaf = program(on_sigterm="signal.SIG_IGN")
    with Server(tmp_path / "log", [], SystemClock(), deaf) as server:
        await server.ready()
    assert not alive(server.pid)


async def test_one_that_fails_to_start_shows_the_end_of_its_log(tmp_path: Path) -> None:
    fails = (sys.executable, "-c", "print('no model; run palabre models'); raise SystemExit(4)")
    with (
        Server(tmp_path / "log", [], SystemClock(), fails) as server,
        pytest.raises(CallError, match=r"exit code 4; the end of (?s:.*)no model; run"),
    ):
        await server.ready()


async def test_one_that_is_broken_says_what_is(tmp_path: Path) -> None:
    broken = program(503, '{"status":"broken","parts":{"stt":"no model"}}')
    with (
        Server(tmp_path / "log", [], SystemClock(), broken) as server,
        pytest.raises(CallError, match="no model"),
    ):
        await server.ready()


async def test_one_that_never_gets_ready_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "READY_S", 0.5)
    full = program(503, '{"status":"full"}')
    with (
        Server(tmp_path / "log", [], SystemClock(), full) as server,
        pytest.raises(CallError, match="does not get ready: /health says"),
    ):
        await server.ready()


async def test_cancelling_the_wait_ends_it_too(tmp_path: Path) -> None:
    pids = []

    async def start() -> None:
        silent = (sys.executable, "-c", "import time; time.sleep(60)")
        with Server(tmp_path / "log", [], SystemClock(), silent) as server:
            pids.append(server.pid)
            await server.ready()

    task = asyncio.create_task(start())
    await asyncio.sleep(0.2)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert not alive(pids[0])
