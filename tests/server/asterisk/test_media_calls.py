"""Real calls: SIP and RTP to a real Asterisk, which dials a real engine."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.asterisk import Asterisk
from bench.sip.agent import Agent
from bench.sip.call import CallRefused
from bench.sip.leg import Ended
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import (
    PATIENCE_S,
    answered,
    eventually,
    said_by_caller,
    tone_ms,
    tones,
)
from tests.server.served import Served, serving

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def served(asterisk: Asterisk, tmp_path: Path, journal: Path) -> Iterator[Served]:
    port = str(asterisk.ports.media)
    with serving(tmp_path / "log", "--port", port, PALABRE_JOURNAL=str(journal)) as served:
        yield served


def turns(journal: Path) -> list[dict[str, Any]]:
    """The turns of the one session there was."""
    (kept,) = journal.iterdir()
    events = [event for line in kept.read_text().splitlines() for event in json.loads(line)]
    return [event["data"] for event in events if event["name"] == "turn"]


@pytest.mark.parametrize("extension", ["100", "101", "102", "103", "104"])
async def test_a_caller_is_greeted_heard_and_answered_and_hangs_up(
    asterisk: Asterisk, served: Served, journal: Path, extension: str
) -> None:
    async with answered(asterisk, extension) as call:
        await eventually(lambda: tone_ms(call) >= 2900, "the greeting")
        await eventually(lambda: not any(tones(call)[-5:]), "its end")
        call.mouth.say(said_by_caller())
        await eventually(lambda: tone_ms(call) >= 3500, "the answer")
        call.hang_up()
        await call.ended()
    ended = await served.logged("call.ended")
    assert (ended["reason"], ended["code"], ended["faults"]) == ("caller", None, {})
    await served.settles("calls_active", 0)
    greeting, answer = turns(journal)
    assert not greeting["interrupted"]
    assert answer["heard"] == "oui bonjour"
    assert answer["interrupted"]


async def test_who_speaks_over_us_hears_no_more_of_it(
    asterisk: Asterisk, served: Served, journal: Path
) -> None:
    async with answered(asterisk, "100") as call:
        await eventually(lambda: tone_ms(call) >= 600, "the greeting")
        call.mouth.say(np.concatenate([said_by_caller()] * 2))
        await served.logged("turn", turn=2)
        call.hang_up()
        await call.ended()
    arrivals = [at for at, _ in call.ear.packets]
    gaps = [after - before for before, after in pairwise(arrivals)]
    stopped = int(np.argmax(gaps))
    assert gaps[stopped] > 0.5, "while the caller went on speaking"
    assert 600 <= 20 * stopped < 1500
    first, second = turns(journal)[:2]
    assert first["interrupted"]
    assert 0 < len(first["said"]) < len(second["said"])


async def test_a_caller_whose_line_is_silent_between_words_is_answered(
    asterisk: Asterisk, served: Served, journal: Path
) -> None:
    """Silence suppression: no RTP comes, so nothing that arrives says that time goes by."""
    async with answered(asterisk, "100") as call:
        call.mouth.silent = True
        await eventually(lambda: tone_ms(call) >= 2900, "the greeting")
        await eventually(lambda: not any(tones(call)[-5:]), "its end")
        call.mouth.say(said_by_caller())
        await eventually(lambda: tone_ms(call) >= 3100, "the answer")
        call.hang_up()
        await call.ended()
    await served.logged("call.ended")
    assert [turn["heard"] for turn in turns(journal)] == ["", "oui bonjour"]


async def test_the_line_is_never_dead(asterisk: Asterisk, served: Served) -> None:
    """While nobody speaks there is noise, in nearly every 20 ms."""
    async with answered(asterisk, "100") as call:
        await eventually(lambda: tone_ms(call) >= 2900, "the greeting")
        await eventually(lambda: not any(tones(call)[-5:]), "its end")
        first = len(call.ear.packets)
        await asyncio.sleep(2.0)
        assert len(call.ear.packets) - first >= 80
        noise = call.ear.track(first).astype(float)
        assert 2 < np.sqrt(np.square(noise).mean()) < 60
        call.hang_up()
        await call.ended()


async def test_keys_reach_the_conversation(asterisk: Asterisk, tmp_path: Path) -> None:
    port = str(asterisk.ports.media)
    log = tmp_path / "log"
    with serving(log, "--port", port, PALABRE_NUMBERS='{"100": "leads/fr"}') as served:
        async with answered(asterisk, "100") as call:
            await eventually(lambda: tone_ms(call) >= 300, "the greeting")
            call.mouth.press("1")
            await served.logged("turn", turn=1, interrupted=True, scenario="leads")
            call.hang_up()
            await call.ended()
        assert (await served.logged("call.ended"))["scenario"] == "leads"


async def test_the_engine_hangs_up(asterisk: Asterisk, tmp_path: Path) -> None:
    """Nobody says anything, until the scenario says goodbye."""
    port = str(asterisk.ports.media)
    with serving(tmp_path / "log", "--port", port, PALABRE_SILENCE_S="0.3") as served:
        async with answered(asterisk, "100") as call:
            ended = await call.ended()
        assert ended == Ended("them", "16")
        assert (await served.logged("call.ended"))["reason"] == "silence"


async def test_a_server_that_stops_hangs_up(asterisk: Asterisk, served: Served) -> None:
    async with answered(asterisk, "102") as call:
        await eventually(lambda: tone_ms(call) >= 100, "the greeting")
        served.signal(signal.SIGINT)
        assert isinstance(await call.ended(), Ended)
    assert await served.ended() == 0
    assert (await served.logged("call.ended"))["code"] == "server.draining"


async def test_a_killed_server_hangs_up(asterisk: Asterisk, served: Served) -> None:
    async with answered(asterisk, "100") as call:
        await eventually(lambda: tone_ms(call) >= 100, "the greeting")
        served.signal(signal.SIGKILL)
        assert isinstance(await call.ended(), Ended)


async def _refused(asterisk: Asterisk) -> int:
    async with asyncio.timeout(PATIENCE_S), Agent() as agent:
        call = agent.dial(asterisk.uri("100"))
        with pytest.raises(CallRefused) as refused:
            await call.answered()
    return refused.value.status


async def test_a_full_server_takes_no_more_calls(asterisk: Asterisk, tmp_path: Path) -> None:
    port = str(asterisk.ports.media)
    with serving(tmp_path / "log", "--port", port, "--capacity", "1") as served:
        async with answered(asterisk, "100") as call:
            await eventually(lambda: tone_ms(call) >= 100, "the greeting")
            assert await _refused(asterisk) >= 400
            await served.logged("call.refused", code="admission.full")
            before = tone_ms(call)
            await eventually(lambda: tone_ms(call) > before, "more of the greeting")
            call.hang_up()
            await call.ended()


async def test_who_has_not_the_password_is_refused(asterisk: Asterisk, tmp_path: Path) -> None:
    port = str(asterisk.ports.media)
    log = tmp_path / "log"
    settings = {
        "PALABRE_ASTERISK_MEDIA_USER": "engine",
        "PALABRE_ASTERISK_MEDIA_PASSWORD": "another",
    }
    with serving(log, "--port", port, **settings) as served:
        assert await _refused(asterisk) >= 400
        await served.logged("asterisk.credentials_wrong")
    settings["PALABRE_ASTERISK_MEDIA_PASSWORD"] = "s3cret"
    with serving(log, "--port", port, **settings) as served:
        async with answered(asterisk, "100") as call:
            await eventually(lambda: tone_ms(call) >= 100, "the greeting")
            call.hang_up()
            await call.ended()


async def test_a_scenario_that_is_not_there_refuses_the_call(
    asterisk: Asterisk, served: Served
) -> None:
    """The dial string's own mistake: its author finds it in the log."""
    status, _, body = await served.get("/media")
    assert status == 426, body
    raw = await _dial_in(served.port, "call=1&scenario=nothing")
    assert b" 404 " in raw
    assert b"nothing" in raw
    await served.logged("call.rejected", code="request.scenario")


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
