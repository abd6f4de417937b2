"""The user agent against a real Asterisk."""

import asyncio
from itertools import pairwise

import numpy as np
import pytest

from bench.asterisk import Asterisk
from bench.errors import BenchError
from bench.sip.agent import Agent
from bench.sip.call import Call, CallRefused
from bench.sip.leg import Ended
from bench.sip.rtp import PACKET
from tests.asterisk import asterisk, asterisk_home, asterisk_instance

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

PATIENCE_S = 10.0


def _tone(seconds: float, hz: float = 440.0) -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    at = np.arange(int(seconds * 8000)) / 8000
    return (8000 * np.sin(2 * np.pi * hz * at)).astype(np.int16)


async def test_what_it_says_comes_back_from_an_echo(asterisk: Asterisk) -> None:
    async with asyncio.timeout(PATIENCE_S), Agent() as agent:
        call = agent.dial(asterisk.uri("400"))
        await call.answered()
        said = _tone(0.4)
        call.mouth.say(said)
        await asyncio.sleep(0.6)
        call.hang_up()
        ended = await call.ended()
    assert ended.reason == ""
    heard = call.ear.track()
    loud = np.flatnonzero(np.abs(heard.astype(int)) > 1000)
    assert abs((loud[-1] - loud[0]) - said.size) <= 2 * PACKET
    assert call.ear.lost == call.ear.strange == 0
    times = [at for at, _ in call.ear.packets]
    assert all(after >= before for before, after in pairwise(times))
    assert len(times) >= 25


async def test_a_number_that_is_not_there_is_refused(asterisk: Asterisk) -> None:
    async with asyncio.timeout(PATIENCE_S), Agent() as agent:
        call = agent.dial(asterisk.uri("999"))
        with pytest.raises(CallRefused) as refused:
            await call.answered()
    assert refused.value.status == 404


def _call_echo(asterisk: Asterisk) -> None:
    """Have Asterisk call the far end, and echo what it says."""
    asterisk.ari("/channels?endpoint=PJSIP/trunk&extension=400&context=from-sip", "POST")


@pytest.mark.parametrize("status", [404, 486, 503, 603])
async def test_it_refuses_calls_as_it_is_told(asterisk: Asterisk, status: int) -> None:
    came: asyncio.Queue[Call] = asyncio.Queue()

    async def taken(call: Call) -> None:
        call.ring()
        call.refuse(status)
        came.put_nowait(call)

    async with asyncio.timeout(PATIENCE_S), Agent(port=asterisk.ports.far_end, taken=taken):
        await asyncio.to_thread(_call_echo, asterisk)
        ended = await (await came.get()).ended()
    assert ended == Ended("us", str(status))


async def test_it_takes_a_call_and_its_keys_come_back(asterisk: Asterisk) -> None:
    came: asyncio.Queue[Call] = asyncio.Queue()

    async def taken(call: Call) -> None:
        call.ring()
        call.early()
        call.answer()
        call.mouth.press("12#")
        came.put_nowait(call)

    async with asyncio.timeout(PATIENCE_S), Agent(port=asterisk.ports.far_end, taken=taken):
        await asyncio.to_thread(_call_echo, asterisk)
        call = await came.get()
        await call.until(lambda: call.ear.digits == "12#")
        await asyncio.to_thread(_hang_up_all, asterisk)
        ended = await call.ended()
    assert ended == Ended("them", "16")
    assert call.caller.startswith("sip:")
    assert f":{asterisk.ports.far_end}" in call.called


def _hang_up_all(asterisk: Asterisk) -> None:
    for channel in asterisk.ari("/channels"):
        try:
            asterisk.ari(f"/channels/{channel['id']}", "DELETE")
        except BenchError as error:
            if "404" not in str(error):  # it ended with another one of them
                raise


async def test_a_call_that_is_left_to_ring_is_given_up_by_the_other_side(
    asterisk: Asterisk,
) -> None:
    came: asyncio.Queue[Call] = asyncio.Queue()

    async def taken(call: Call) -> None:
        call.ring()
        came.put_nowait(call)

    async with asyncio.timeout(PATIENCE_S), Agent(port=asterisk.ports.far_end, taken=taken):
        await asyncio.to_thread(_call_echo, asterisk)
        call = await came.get()
        await asyncio.to_thread(_hang_up_all, asterisk)
        ended = await call.ended()
    assert ended == Ended("them", "16")
    assert call.answered_at is None


async def test_a_caller_gives_up_while_it_rings(asterisk: Asterisk) -> None:
    """Extension 100 waits for an engine that is not there: then nobody answers."""
    async with asyncio.timeout(PATIENCE_S), Agent() as agent:
        call = agent.dial(asterisk.uri("110"))
        await asyncio.sleep(0.2)
        call.hang_up()
        await call.ended()
    assert call.answered_at is None
