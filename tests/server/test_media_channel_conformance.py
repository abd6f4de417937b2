"""The media channel keeps every channel's contract, with the simulated caller's far end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from engine.channel import AudioChannel
from engine.clock import LoopClock
from engine.frames import Dtmf, Frame, Hangup
from server.talk.far_end import FarEnd, Message
from telephony.media.channel import MediaChannel
from telephony.media.protocol import MediaRequest
from tests.engine.conformance import channel as conformance
from tests.virtual import virtual

REQUEST = MediaRequest("leads", "fr", 16000, frozenset({"mark", "clear", "pause"}))


class _Line:
    """A WebSocket without a network: messages reach the other side in the next step of the loop."""

    blocked = False
    waiting_bytes = 0

    def __init__(self) -> None:
        self.channel = MediaChannel(REQUEST, self)
        self._clock = LoopClock()
        self._far = FarEnd(16000, self._clock.now(), frame_ms=1)
        self._heard = bytearray()

    def write(self, message: bytes | str) -> None:
        if isinstance(message, bytes):
            self._heard += message
            self._answer(self._far.receive(message, self._clock.now()))
        else:
            self._answer(self._far.receive(json.loads(message), self._clock.now()))

    def close(self, code: int, reason: str) -> None:
        assert code == 1000

    def _answer(self, answers: list[Message]) -> None:
        for answer in answers:
            asyncio.get_running_loop().call_soon(self._send, answer)

    def _send(self, message: Message) -> None:
        self.channel.received(json.dumps(message), self._clock.now())

    # tests.engine.conformance.channel.FarEnd

    def deliver(self, frame: Frame) -> None:
        match frame:
            case Dtmf(digit=digit):
                self._send({"type": "dtmf", "digit": digit})
            case Hangup():
                self._send({"type": "hangup"})
            case _:
                raise AssertionError(frame)

    @property
    def heard(self) -> bytes:
        return bytes(self._heard)

    async def wait(self, seconds: float) -> None:
        until = self._clock.now() + seconds
        while self._clock.now() < until - 1e-9:
            await asyncio.sleep(0.01)
            self._answer(self._far.advance(self._clock.now()))
        await asyncio.sleep(0)


@pytest.mark.parametrize("case", conformance.CASES, ids=lambda case: case.__name__)
@virtual
async def test_it_conforms(
    case: Callable[[AudioChannel, conformance.FarEnd], Awaitable[None]],
) -> None:
    line = _Line()
    await case(line.channel, line)
