"""The channel against a real chan_websocket: what it says was played is what left as RTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.typing import Subprotocol

from bench.asterisk import HOST, Asterisk
from bench.sip.agent import Agent
from bench.sip.call import Call
from engine.clock import SystemClock
from engine.frames import Cleared, Dtmf, Frame, Hangup, Mark, Played, Say
from telephony.asterisk.media.channel import AsteriskChannel, opened
from tests.asterisk import asterisk, asterisk_home, asterisk_instance

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

PATIENCE_S = 20.0
FORMS = ["100", "101", "104"]
"""JSON, plain text, µ-law: conf/extensions.conf.in."""


class Line:
    """One connection from Asterisk, as a wire."""

    blocked = False
    waiting_bytes = 0

    def __init__(self, socket: ServerConnection) -> None:
        self.channel: AsteriskChannel | None = None
        self.began = asyncio.Event()
        self.came: list[Frame] = []
        self._changed = asyncio.Event()
        self.socket = socket
        self._clock = SystemClock()
        self._out: asyncio.Queue[bytes | str | None] = asyncio.Queue()

    def write(self, message: bytes | str) -> None:
        self._out.put_nowait(message)

    def close(self, code: int, reason: str) -> None:
        assert code == 1000
        self._out.put_nowait(None)

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            sending = group.create_task(self._send())
            async for message in self.socket:
                if self.channel is None:
                    self.channel = opened(cast("str", message), self)
                    self.channel.attach(self._take)
                    self.began.set()
                else:
                    self.channel.received(message, self._clock.now())
            sending.cancel()
        assert self.channel is not None
        self.channel.lost("caller")

    def _take(self, frame: Frame) -> None:
        self.came.append(frame)
        self._changed.set()

    async def _send(self) -> None:
        while (message := await self._out.get()) is not None:
            await self.socket.send(message)
        await self.socket.close()

    async def until(self, kind: type[Frame], count: int = 1) -> Frame:
        """The `count`-th frame of `kind`."""
        while len(found := [frame for frame in self.came if isinstance(frame, kind)]) < count:
            self._changed.clear()
            await self._changed.wait()
        return found[count - 1]


@asynccontextmanager
async def on_the_phone(
    asterisk: Asterisk, extension: str
) -> AsyncIterator[tuple[Call, Line, AsteriskChannel]]:
    """A call whose engine is the test."""
    lines: asyncio.Queue[Line] = asyncio.Queue()

    async def take(socket: ServerConnection) -> None:
        line = Line(socket)
        lines.put_nowait(line)
        await line.run()

    server = serve(take, HOST, asterisk.ports.media, subprotocols=[Subprotocol("media")])
    async with asyncio.timeout(PATIENCE_S), server, Agent() as agent:
        call = agent.dial(asterisk.uri(extension))
        await call.answered()
        line = await lines.get()
        await line.began.wait()
        assert line.channel is not None
        yield call, line, line.channel
        call.hang_up()
        await call.ended()


def frame(channel: AsteriskChannel) -> bytes:
    return b"\0\x10" * (channel.capabilities.rate_hz // 50)


async def left(call: Call, before: int, told: Frame) -> None:
    """Just as many packets have left as `told` says; on a busy machine they take their time."""
    assert isinstance(told, Cleared)
    packets = round(told.played_ms / 20)
    while len(call.ear.packets) - before < packets:  # noqa: ASYNC110 nobody tells of packets
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert len(call.ear.packets) - before == packets


@pytest.mark.parametrize("extension", FORMS)
async def test_the_position_of_a_hold_and_of_a_clear_is_exact(
    asterisk: Asterisk, extension: str
) -> None:
    async with on_the_phone(asterisk, extension) as (call, line, channel):
        for turn in range(1, 6):
            before = len(call.ear.packets)
            channel.send(Say("Bonjour.", epoch=turn))
            channel.send(Mark(f"{turn}.0"))
            channel.play(frame(channel) * 100)
            channel.send(Mark(f"{turn}.1"))
            await asyncio.sleep(0.1 + turn * 0.013)
            channel.pause(turn)
            held = await line.until(Cleared, 2 * turn - 1)
            await left(call, before, held)
            channel.resume(turn)
            await asyncio.sleep(0.07)
            channel.clear(turn)
            cleared = await line.until(Cleared, 2 * turn)
            await left(call, before, cleared)
        assert [f.name for f in line.came if isinstance(f, Played)] == [
            f"{n}.0" for n in range(1, 6)
        ]
        assert not channel.inlet.faults


async def test_marks_keys_and_the_end_arrive(asterisk: Asterisk) -> None:
    async with on_the_phone(asterisk, "101") as (call, line, channel):
        channel.send(Say("Bonjour.", epoch=1))
        channel.play(frame(channel) * 10)
        channel.send(Mark("1.1"))
        await line.until(Played)
        assert len(call.ear.packets) >= 10
        call.mouth.press("1#")
        await line.until(Dtmf, 2)
        call.hang_up()
        await call.ended()
        assert await line.until(Hangup) == Hangup("caller")
        assert [f.digit for f in line.came if isinstance(f, Dtmf)] == ["1", "#"]


async def test_more_than_the_queue_takes_is_not_lost_without_a_word(asterisk: Asterisk) -> None:
    async with on_the_phone(asterisk, "100") as (_, line, channel):
        for _ in range(12):
            channel.play(frame(channel) * 100)
            await asyncio.sleep(0.02)
        assert channel.dropped >= 200, "the far end said so before it lost any"
        channel.pause(0)
        held = await line.until(Cleared)
        assert isinstance(held, Cleared)
        assert held.played_ms <= 1000


async def test_closing_hangs_up(asterisk: Asterisk) -> None:
    async with on_the_phone(asterisk, "100") as (call, _, channel):
        channel.close("completed")
        ended = await call.ended()
        assert getattr(ended, "by", "") == "them"
