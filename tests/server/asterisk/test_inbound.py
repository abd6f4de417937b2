"""Calls that come to us through a real Asterisk."""

from __future__ import annotations

import asyncio

import pytest

from bench.asterisk import Asterisk
from bench.sip.agent import Agent
from bench.sip.call import CallRefused
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import PATIENCE_S, answered, eventually, tone_ms, tones
from tests.server.asterisk.engine import controlling

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


async def test_a_caller_is_greeted(asterisk: Asterisk) -> None:
    async with controlling(asterisk) as engine:
        async with answered(asterisk, "300") as call:
            await eventually(lambda: tone_ms(call) > 200, "a greeting")
            assert [run.origin for run in engine.calls.running.values()] == ["asterisk"]
            assert call.answered_at is not None
            first, _ = call.ear.packets[tones(call).index(True)]
            assert first - call.answered_at < 1.0  # the bench says how soon; here, that it is
            call.hang_up()
            await call.ended()
        await eventually(lambda: not engine.calls.running, "the end")
        await eventually(lambda: not asterisk.left(), "nothing left")


async def test_where_there_is_no_room_the_caller_is_told(asterisk: Asterisk) -> None:
    async with controlling(asterisk, capacity=1), answered(asterisk, "300"), Agent() as other:
        with pytest.raises(CallRefused) as refused:
            await other.dial(asterisk.uri("300")).answered()
        assert refused.value.status == 503


async def test_stopping_the_engine_hangs_up(asterisk: Asterisk) -> None:
    async with asyncio.timeout(PATIENCE_S), Agent() as agent:
        async with controlling(asterisk):
            call = agent.dial(asterisk.uri("300"))
            await call.answered()
            await eventually(lambda: tone_ms(call) > 100)
        await call.ended()
        assert not asterisk.left()
