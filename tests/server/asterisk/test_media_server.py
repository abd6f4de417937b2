"""How an engine that Asterisk dials is set up, refuses, stops and is killed."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from bench.asterisk import Asterisk
from bench.sip.agent import Agent
from bench.sip.call import CallRefused
from bench.sip.leg import Ended
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import PATIENCE_S, answered, eventually, said_by_caller, tone_ms
from tests.server.served import BRIEF, serving

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


async def test_its_number_chooses_the_scenario_and_keys_reach_it(
    asterisk: Asterisk, tmp_path: Path
) -> None:
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
    options = ("--port", port, "--scenario", BRIEF)
    with serving(tmp_path / "log", *options, PALABRE_SILENCE_S="0.3") as served:
        async with answered(asterisk, "100") as call:
            ended = await call.ended()
        assert ended == Ended("them", "16")
        assert (await served.logged("call.ended"))["reason"] == "silence"


async def test_a_server_that_stops_hangs_up(asterisk: Asterisk, tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--port", str(asterisk.ports.media)) as served:
        async with answered(asterisk, "102") as call:
            await eventually(lambda: tone_ms(call) >= 100, "the greeting")
            served.signal(signal.SIGINT)
            assert isinstance(await call.ended(), Ended)
        assert await served.ended() == 0
        assert (await served.logged("call.ended"))["code"] == "server.draining"


async def test_a_killed_server_hangs_up(asterisk: Asterisk, tmp_path: Path) -> None:
    with serving(tmp_path / "log", "--port", str(asterisk.ports.media)) as served:
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


async def test_a_server_that_stood_still_goes_on_with_what_is_new(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    """Asterisk keeps for seconds what nobody reads, and sends it all at once."""
    journal = tmp_path / "journal"
    port = str(asterisk.ports.media)
    log = tmp_path / "log"
    options = ("--port", port, "--scenario", BRIEF)
    with serving(log, *options, PALABRE_JOURNAL=str(journal)) as served:
        async with answered(asterisk, "102") as call:
            await eventually(lambda: tone_ms(call) >= 900, "the greeting")
            served.signal(signal.SIGSTOP)
            await asyncio.sleep(3.0)
            served.signal(signal.SIGCONT)
            await asyncio.sleep(0.5)
            assert call.end is None
            before = tone_ms(call)
            call.mouth.say(said_by_caller())
            await eventually(lambda: tone_ms(call) >= before + 300, "the answer")
            call.hang_up()
            await call.ended()
        ended = await served.logged("call.ended")
    assert set(ended["faults"]) == {"audio.stale"}
    assert 80 <= ended["faults"]["audio.stale"] <= 130, "3 s, but for the last second"
    assert '"heard": "oui bonjour"' in next(journal.iterdir()).read_text()
