"""A caller on a line: a SIP call through Asterisk, or a bare WebSocket to the engine."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from bench.sip.agent import Agent
from bench.sip.call import Call
from bench.sip.rtp import Packet
from bench.sip.stream import decoded
from bench.telephony.caller import Caller
from bench.telephony.sound import FRAME, RATE_HZ, Heard
from server.talk.far_end import FarEnd

__all__ = ["on_sip", "on_websocket", "wire_up"]

PTIME_S = FRAME / RATE_HZ


def wire_up(call: Call, caller: Caller) -> None:
    """Let `caller` speak and hear over `call`."""
    last: Packet | None = None
    sent = 0
    """Samples that the far end's clock has counted since the first packet."""

    def heard(packet: Packet, at: float) -> None:
        nonlocal last, sent
        broken = packet.marker
        if last is not None:
            passed = packet.timestamp - last.timestamp & 0xFFFFFFFF
            # What was lost on the way was not late.
            broken |= passed != FRAME * (packet.sequence - last.sequence & 0xFFFF)
            sent += passed
        last = packet
        caller.hear(Heard(at, decoded(packet), sent / RATE_HZ, broken))

    def spoke(packet: Packet, at: float) -> None:
        del packet
        caller.sent(at)
        call.mouth.say(caller.frame(at))

    call.heard, call.sent = heard, spoke


@asynccontextmanager
async def on_sip(agent: Agent, uri: str, caller: Caller) -> AsyncIterator[Call]:
    """A call to `uri`, answered; hung up at the end. Raises CallRefused."""
    call = agent.dial(uri)
    wire_up(call, caller)
    try:
        await call.answered()
        yield call
    finally:
        call.hang_up()
        await call.ended()


@asynccontextmanager
async def on_websocket(url: str, caller: Caller) -> AsyncIterator[None]:
    """A call over docs/protocols/media.md, with the same sound at the same rate."""
    query = f"rate={RATE_HZ}&features=mark,clear,pause"
    async with connect(f"{url}?{query}", compression=None, proxy=None) as socket:
        far = FarEnd(RATE_HZ, time.monotonic())
        tasks = [
            asyncio.create_task(_listen(socket, far, caller), name="far end hears"),
            asyncio.create_task(_speak(socket, far, caller), name="far end speaks"),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


async def _listen(socket: ClientConnection, far: FarEnd, caller: Caller) -> None:
    with contextlib.suppress(ConnectionClosed):
        async for message in socket:
            now = time.monotonic()
            if isinstance(message, bytes):
                caller.hear(Heard(now, np.frombuffer(message, "<i2"), now))
                answers = far.receive(message, now)
            else:
                answers = far.receive(json.loads(message), now)
            for answer in answers:
                await socket.send(json.dumps(answer))


async def _speak(socket: ClientConnection, far: FarEnd, caller: Caller) -> None:
    due = time.monotonic()
    with contextlib.suppress(ConnectionClosed):
        while True:
            frame = caller.frame(time.monotonic())
            due += PTIME_S
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            await socket.send(frame.tobytes())
            caller.sent(now)
            for answer in far.advance(now):
                await socket.send(json.dumps(answer))
