"""How much sound is kept in Asterisk's queue while a turn is played into it."""

from __future__ import annotations

import asyncio
import random

import pytest

from engine.clock import LoopClock
from engine.frames import Played, Say
from pipelines.audio.comfort import ComfortNoise
from pipelines.audio.playout import Playout
from pipelines.audio.ticker import Ticker
from telephony.asterisk.media.channel import opened
from tests.telephony.asterisk.media.queue import Queue
from tests.virtual import virtual


class _Line:
    """A connection whose messages take up to `jitter_s`, in order."""

    blocked = False
    waiting_bytes = 0

    def __init__(self, jitter_s: float) -> None:
        self._clock = LoopClock()
        self._jitter_s = jitter_s
        self._chance = random.Random(7)
        self._last_at = 0.0
        self.queue = Queue(self._clock.now())
        self.queue.start()
        self.channel = opened(self.queue.answers.pop(), self)

    def write(self, message: bytes | str) -> None:
        loop = asyncio.get_running_loop()
        delay_s = self._chance.uniform(0.0, self._jitter_s)
        self._last_at = max(self._last_at + 1e-6, loop.time() + delay_s)  # TCP keeps the order
        loop.call_at(self._last_at, self._arrive, message)

    def _arrive(self, message: bytes | str) -> None:
        self.queue.advance(self._clock.now())
        self.queue.receive(message)
        self.answer()

    def answer(self) -> None:
        answers, self.queue.answers = self.queue.answers, []
        for text in answers:
            self.channel.received(text, self._clock.now())

    def close(self, code: int, reason: str) -> None:
        raise AssertionError


@pytest.mark.parametrize("jitter_s", [0.0, 0.03])
@virtual
async def test_a_turn_is_played_without_a_gap_out_of_a_short_queue(jitter_s: float) -> None:
    clock = LoopClock()
    ticker = Ticker(clock)
    line = _Line(jitter_s)
    playout = Playout(line.channel, 16000, ticker, lambda name, at: None)
    marks: list[str] = []
    line.channel.attach(
        lambda frame: marks.append(frame.name) if isinstance(frame, Played) else None
    )
    noise = ComfortNoise(line.channel, playout, ticker)
    noise.start()
    await asyncio.sleep(1.0)
    voice = b"".join(n.to_bytes(2, "little") * 320 for n in range(1000, 1150))
    lengths: list[int] = []
    line.channel.send(Say("Bonjour.", epoch=1))
    playout.begin(1)
    playout.mark("1.0")
    playout.write(1, voice, clock.now())
    playout.mark("1.1")
    playout.end(1, clock.now())
    while "1.1" not in marks:
        await asyncio.sleep(0.01)
        line.queue.advance(clock.now())
        line.answer()
        lengths.append(line.queue.length)
    noise.stop()
    playout.finish()
    said = [frame for frame in line.queue.played if frame in voice]
    assert b"".join(said) == voice, "each frame once, in order"
    steady = lengths[10:-40]
    assert min(steady) >= 5, "100 ms at least"
    assert max(steady) <= 11, "and little more than 200: what came at once was the lead"
