"""Calls that we place, through a real Asterisk to a far end that takes them or does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bench.asterisk import Asterisk
from bench.sip.agent import Agent, Taken
from bench.sip.call import Call
from server.asterisk.outbound import Progress, Stage
from telephony.asterisk.ari.errors import AriError
from telephony.asterisk.outcome import Outcome
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import PATIENCE_S, eventually, tone_ms
from tests.server.asterisk.engine import controlling

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

real = pytest.mark.integration


@asynccontextmanager
async def far_end(asterisk: Asterisk, taken: Taken) -> AsyncIterator[Agent]:
    async with (
        asyncio.timeout(PATIENCE_S),
        Agent(port=asterisk.ports.far_end, taken=taken) as agent,
    ):
        yield agent


def refusing(status: int, *, ringing: bool = True) -> Taken:
    async def taken(call: Call) -> None:
        if ringing:
            call.ring()
            await asyncio.sleep(0.05)
        call.refuse(status)

    return taken


@real
@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("status", "expected", "cause"),
    [
        (486, Outcome.BUSY, 17),
        (600, Outcome.BUSY, 17),
        (603, Outcome.DECLINED, 21),
        (403, Outcome.FAILED, 21),
        (503, Outcome.CONGESTION, 34),
        (404, Outcome.UNKNOWN_NUMBER, 1),
        (604, Outcome.UNKNOWN_NUMBER, 1),
        (484, Outcome.UNKNOWN_NUMBER, 28),
        (488, Outcome.FAILED, 58),
        (480, Outcome.NO_ANSWER, 19),
        (607, Outcome.UNWANTED, None),
    ],
)
async def test_each_refusal_has_its_outcome(
    asterisk: Asterisk, status: int, expected: Outcome, cause: int | None
) -> None:
    stages: list[Stage] = []

    def progress(progress: Progress) -> None:
        stages.append(progress.kind)

    async with controlling(asterisk) as engine, far_end(asterisk, refusing(status)):
        assert engine.asterisk is not None
        result = await engine.asterisk.outbound.place("+33199000001", progress=progress)
    assert (result.outcome, result.tech_cause) == (expected, status)
    assert cause is None or result.cause == cause
    assert stages == [Stage.DIALLING, Stage.RINGING, Stage.ENDED]
    assert result.reason == ""
    assert result.rang_s is not None
    assert result.answer_s is None
    assert result.duration_s == 0


@real
@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("rings", "expected"), [(True, Outcome.NO_ANSWER), (False, Outcome.UNREACHABLE)]
)
async def test_nobody_answers(asterisk: Asterisk, rings: bool, expected: Outcome) -> None:
    async def taken(call: Call) -> None:
        if rings:
            call.ring()
        await call.ended()

    async with controlling(asterisk) as engine, far_end(asterisk, taken):
        assert engine.asterisk is not None
        result = await engine.asterisk.outbound.place("1001", timeout_s=1)
    assert (result.outcome, result.cause) == (expected, 19)


@real
@pytest.mark.asyncio
async def test_nothing_listens(asterisk: Asterisk) -> None:
    """At a port that no other test listens at: what nobody answered is sent again for 32 s, also
    after it was given up."""
    async with controlling(asterisk) as engine:
        assert engine.asterisk is not None
        nowhere = "PJSIP/trunk/sip:1001@127.0.0.1:9"
        result = await engine.asterisk.outbound.place(nowhere, timeout_s=1)
    assert result.outcome is Outcome.UNREACHABLE


@real
@pytest.mark.asyncio
async def test_who_answers_is_talked_to(asterisk: Asterisk) -> None:
    stages: list[Stage] = []
    calls: list[Call] = []

    async def taken(call: Call) -> None:
        calls.append(call)
        call.ring()
        call.early()
        await asyncio.sleep(0.2)
        call.answer()
        await eventually(lambda: tone_ms(call) > 200, "a greeting")
        call.hang_up()

    async with controlling(asterisk) as engine, far_end(asterisk, taken):
        assert engine.asterisk is not None
        result = await engine.asterisk.outbound.place(
            "1001",
            caller_id="+33199000002",
            progress=lambda progress: stages.append(progress.kind),
        )
    assert stages == [
        Stage.DIALLING,
        Stage.RINGING,
        Stage.EARLY_MEDIA,
        Stage.ANSWERED,
        Stage.ENDED,
    ]
    assert (result.outcome, result.reason, result.cause) == (Outcome.ANSWERED, "caller", 16)
    assert result.answer_s is not None
    assert result.answer_s >= 0.2
    assert result.duration_s > 0
    assert calls[0].leg._remote.startswith("<sip:+33199000002@")  # who we are, in From


@real
@pytest.mark.asyncio
async def test_a_cancelled_call_is_hung_up(asterisk: Asterisk) -> None:
    rang = asyncio.Event()

    async def taken(call: Call) -> None:
        call.ring()
        rang.set()
        await call.ended()

    async with controlling(asterisk) as engine, far_end(asterisk, taken) as agent:
        assert engine.asterisk is not None
        placing = asyncio.create_task(engine.asterisk.outbound.place("1001"))
        await rang.wait()
        placing.cancel()
        await asyncio.wait({placing})
        assert placing.cancelled()
        (call,) = agent.calls.values()
        await call.ended()
        assert engine.admission.active == 0


@real
@pytest.mark.asyncio
async def test_an_endpoint_that_is_not_there_is_named(asterisk: Asterisk) -> None:
    async with controlling(asterisk) as engine:
        assert engine.asterisk is not None
        with pytest.raises(AriError, match="pjsip show endpoints") as caught:
            await engine.asterisk.outbound.place("PJSIP/nobody")
    assert caught.value.code == "ari.endpoint"
