"""chan_websocket keeps every channel's contract, in both dialects and every form of sound."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from engine.channel import AudioChannel
from engine.clock import LoopClock
from engine.frames import Dtmf, Frame, Hangup
from telephony.asterisk.formats import FORMATS
from telephony.asterisk.media.channel import AsteriskChannel, opened
from tests.engine.conformance import channel as conformance
from tests.telephony.asterisk.media.queue import Queue
from tests.virtual import virtual


class _Line:
    """A connection to Asterisk without a network: what it answers comes in the loop's next step."""

    blocked = False
    waiting_bytes = 0

    def __init__(self, form: str, *, as_json: bool) -> None:
        self._clock = LoopClock()
        self._form = FORMATS[form]
        self.queue = Queue(self._clock.now(), self._form.frame_bytes, as_json=as_json)
        self.queue.start(form)
        self.channel: AsteriskChannel = opened(self.queue.answers.pop(), self)
        self._json = as_json

    def write(self, message: bytes | str) -> None:
        self.queue.receive(message)
        self._answer()

    def close(self, code: int, reason: str) -> None:
        assert code == 1000

    def _answer(self) -> None:
        answers, self.queue.answers = self.queue.answers, []
        for answer in answers:
            asyncio.get_running_loop().call_soon(self._send, answer)

    def _send(self, message: str) -> None:
        self.channel.received(message, self._clock.now())

    # tests.engine.conformance.channel.FarEnd

    def deliver(self, frame: Frame) -> None:
        match frame:
            case Dtmf(digit=digit) if self._json:
                self._send(f'{{"event":"DTMF_END","channel_id":"lab-1.1","digit":"{digit}"}}')
            case Dtmf(digit=digit):
                self._send(f"DTMF_END digit:{digit} channel_id:lab-1.1")
            case Hangup():
                self.channel.lost("caller")
            case _:
                raise AssertionError(frame)

    @property
    def heard(self) -> bytes:
        return self._form.decode(bytes(self.queue.heard))

    async def wait(self, seconds: float) -> None:
        until = self._clock.now() + seconds
        while self._clock.now() < until - 1e-9:
            await asyncio.sleep(0.01)
            self.queue.advance(self._clock.now())
            self._answer()
        await asyncio.sleep(0)


@pytest.mark.parametrize("as_json", [True, False], ids=["json", "plain"])
@pytest.mark.parametrize("form", ["slin16", "slin"])
@pytest.mark.parametrize("case", conformance.CASES, ids=lambda case: case.__name__)
@virtual
async def test_it_conforms(
    case: Callable[[AudioChannel, conformance.FarEnd], Awaitable[None]], form: str, as_json: bool
) -> None:
    line = _Line(form, as_json=as_json)
    await case(line.channel, line)
