"""What tests of real calls through Asterisk share: a caller with an ear for the engine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np

from bench.asterisk import Asterisk
from bench.sip.agent import Agent
from bench.sip.call import Call
from bench.sip.stream import Samples, decoded
from tests.server.served import speech

__all__ = ["PATIENCE_S", "answered", "eventually", "said_by_caller", "tone_ms", "tones"]

PATIENCE_S = 20.0
TONE_HZ = 440
"""What ``--speech null`` says: of the scenario `bench` three seconds in each answer, of `BRIEF`
(tests/server/served.py) one in the greeting and two in each answer."""
LOUD = 500
"""Of its least amplitude at the far end; the noise of the line has some 20."""


def said_by_caller() -> Samples:
    """Some words at 8 kHz."""
    return np.frombuffer(speech(), np.int16)[::2].copy()


def tones(call: Call) -> list[bool]:
    """Whether the engine's voice is in each packet that came."""
    return [
        bool(np.abs(decoded(packet).astype(int)).max() > LOUD) for _, packet in call.ear.packets
    ]


def tone_ms(call: Call) -> int:
    """How much of the engine's voice has come."""
    return 20 * sum(tones(call))


@asynccontextmanager
async def answered(asterisk: Asterisk, extension: str) -> AsyncIterator[Call]:
    """A call to `extension`, answered; hung up at the end if it is still up."""
    async with asyncio.timeout(PATIENCE_S), Agent() as agent:
        call = agent.dial(asterisk.uri(extension))
        await call.answered()
        yield call


async def eventually(condition: Callable[[], bool], what: str = "it") -> None:
    """Wait for what sound brings about."""
    try:
        async with asyncio.timeout(PATIENCE_S / 2):
            while not condition():  # noqa: ASYNC110 nobody tells of sound
                await asyncio.sleep(0.01)
    except TimeoutError:
        raise AssertionError(f"{what} did not come about") from None
