"""Real calls: SIP and RTP to a real Asterisk, which dials a real engine."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.asterisk import Asterisk
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import (
    PATIENCE_S,
    answered,
    eventually,
    said_by_caller,
    tone_ms,
    tones,
)
from tests.server.served import BRIEF, Served, serving

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


class Engine:
    """A server for all tests of this module, and what its log says of the last call."""

    def __init__(self, served: Served, journal: Path) -> None:
        self.served = served
        self._journal = journal
        self._over = 0

    async def over(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """The record of the call that ended now, and its turns."""
        self._over += 1
        await eventually(lambda: len(self._ended()) == self._over, "the call's end")
        ended = self._ended()[-1]
        kept = (self._journal / f"{ended['call_id']}.jsonl").read_text()
        events = [event for line in kept.splitlines() for event in json.loads(line)]
        return ended, [event["data"] for event in events if event["name"] == "turn"]

    def _ended(self) -> list[dict[str, Any]]:
        return [record for record in self.served.records() if record["event"] == "call.ended"]


@pytest.fixture(scope="module")
def engine(
    asterisk_instance: Asterisk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("served")
    port = str(asterisk_instance.ports.media)
    others = {
        "PALABRE_JOURNAL": str(folder / "journal"),
        "PALABRE_NUMBERS": '{"100": "bench/fr"}',  # long enough to be spoken over
    }
    with serving(folder / "log", "--port", port, "--scenario", BRIEF, **others) as served:
        yield Engine(served, folder / "journal")


@pytest.mark.parametrize("extension", ["100", "101", "102", "103", "104"])
async def test_a_caller_is_greeted_heard_and_answered_and_hangs_up(
    asterisk: Asterisk, engine: Engine, extension: str
) -> None:
    async with answered(asterisk, extension) as call:
        await eventually(lambda: tone_ms(call) >= 900, "the greeting")
        await eventually(lambda: not any(tones(call)[-5:]), "its end")
        before = tone_ms(call)
        call.mouth.say(said_by_caller())
        await eventually(lambda: tone_ms(call) >= before + 500, "the answer")
        call.hang_up()
        await call.ended()
    ended, (greeting, answer) = await engine.over()
    assert (ended["reason"], ended["code"], ended["faults"]) == ("caller", None, {})
    await engine.served.settles("calls_active", 0)
    assert not greeting["interrupted"]
    assert answer["heard"] == "oui bonjour"
    assert answer["interrupted"]


async def test_who_speaks_over_us_hears_no_more_of_it(asterisk: Asterisk, engine: Engine) -> None:
    async with answered(asterisk, "100") as call:
        await eventually(lambda: tone_ms(call) >= 600, "the greeting")
        call.mouth.say(np.concatenate([said_by_caller()] * 2))
        await eventually(lambda: tone_ms(call) >= 1500, "the answer")
        call.hang_up()
        await call.ended()
    arrivals = [at for at, _ in call.ear.packets]
    gaps = [after - before for before, after in pairwise(arrivals)]
    stopped = int(np.argmax(gaps))
    assert gaps[stopped] > 0.5, "while the caller went on speaking"
    assert 600 <= 20 * stopped < 1500
    _, (first, second) = await engine.over()
    assert first["interrupted"]
    assert 0 < len(first["said"]) < len(second["said"])


async def test_a_caller_whose_line_is_silent_between_words_is_answered(
    asterisk: Asterisk, engine: Engine
) -> None:
    """Silence suppression: no RTP comes, so nothing that arrives says that time goes by."""
    async with answered(asterisk, "100") as call:
        call.mouth.silent = True
        await eventually(lambda: tone_ms(call) >= 900, "the greeting")
        await eventually(lambda: not any(tones(call)[-5:]), "its end")
        before = tone_ms(call)
        call.mouth.say(said_by_caller())
        await eventually(lambda: tone_ms(call) >= before + 200, "the answer")
        call.hang_up()
        await call.ended()
    _, turns = await engine.over()
    assert [turn["heard"] for turn in turns] == ["", "oui bonjour"]


async def test_the_line_is_never_dead(asterisk: Asterisk, engine: Engine) -> None:
    """While nobody speaks there is noise, in nearly every 20 ms."""
    async with answered(asterisk, "100") as call:
        await eventually(lambda: tone_ms(call) >= 900, "the greeting")
        await eventually(lambda: not any(tones(call)[-5:]), "its end")
        first = len(call.ear.packets)
        await asyncio.sleep(2.0)
        assert len(call.ear.packets) - first >= 80
        noise = call.ear.track(first).astype(float)
        assert 2 < np.sqrt(np.square(noise).mean()) < 60
        call.hang_up()
        await call.ended()
    await engine.over()


async def test_a_scenario_that_is_not_there_refuses_the_call(
    asterisk: Asterisk, engine: Engine
) -> None:
    """The dial string's own mistake: its author finds it in the log."""
    status, _, body = await engine.served.get("/media")
    assert status == 426, body
    raw = await _dial_in(engine.served.port, "call=1&scenario=nothing")
    assert b" 404 " in raw
    assert b"nothing" in raw
    await engine.served.logged("call.rejected", code="request.scenario")


async def _dial_in(port: int, query: str) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        f"GET /media?{query} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Protocol: media\r\n\r\n".encode()
    )
    async with asyncio.timeout(PATIENCE_S):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer
