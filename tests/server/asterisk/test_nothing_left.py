"""Nothing of a call is left in Asterisk, however it ends."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench.asterisk import Asterisk
from bench.sip.agent import Agent
from bench.sip.call import Call
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import PATIENCE_S, answered, eventually, tone_ms
from tests.server.asterisk.engine import controlling, nothing_left, placed_and_cancelled
from tests.server.served import serving

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


@pytest.mark.parametrize("seed", range(3))
async def test_callers_hang_up_at_any_moment(asterisk: Asterisk, seed: int) -> None:
    rng = random.Random(seed)

    async def caller(agent: Agent) -> None:
        call = agent.dial(asterisk.uri("300"))
        await asyncio.sleep(rng.choice([0.005, 0.02, 0.1]) * rng.random())
        call.hang_up()
        await call.ended()

    async with asyncio.timeout(PATIENCE_S), controlling(asterisk) as engine:
        async with Agent() as agent, asyncio.TaskGroup() as group:
            for _ in range(25):
                group.create_task(caller(agent))
                await asyncio.sleep(0.01 * rng.random())
        await nothing_left(asterisk)
        await eventually(lambda: engine.admission.active == 0, "the end of all calls")
        assert not engine.calls.running


@pytest.mark.parametrize("seed", range(3))
async def test_we_hang_up_at_any_moment(asterisk: Asterisk, seed: int) -> None:
    rng = random.Random(seed)

    async def taken(call: Call) -> None:
        call.ring()
        await asyncio.sleep(0.02 * rng.random())
        if rng.random() < 0.8 and call.end is None:
            call.answer()

    async with asyncio.timeout(PATIENCE_S), controlling(asterisk) as engine:
        async with Agent(port=asterisk.ports.far_end, taken=taken):
            placed = await placed_and_cancelled(engine, rng)
            assert all(task.cancelled() for task in placed)
            await nothing_left(asterisk)
        assert engine.admission.active == 0


async def test_the_media_channel_dies(asterisk: Asterisk) -> None:
    async with controlling(asterisk) as engine, answered(asterisk, "300") as call:
        await eventually(lambda: tone_ms(call) > 100)
        (session_id,) = engine.calls.running
        await asyncio.to_thread(
            asterisk.ari, f"/channels/{asterisk.ari_app}.media.{session_id}", "DELETE"
        )
        await call.ended()
        await nothing_left(asterisk)


async def test_the_bridge_dies(asterisk: Asterisk) -> None:
    """The call is deaf and dumb then; the silence of its caller ends it."""
    async with (
        controlling(asterisk, silence_s=0.2) as engine,
        answered(asterisk, "300") as call,
    ):
        await eventually(lambda: tone_ms(call) > 100)
        (session_id,) = engine.calls.running
        await asyncio.to_thread(
            asterisk.ari, f"/bridges/{asterisk.ari_app}.bridge.{session_id}", "DELETE"
        )
        call.hang_up()
        await nothing_left(asterisk)


async def test_the_connection_is_lost_and_the_call_goes_on(asterisk: Asterisk) -> None:
    async with (
        Cable.to(asterisk) as cable,
        controlling(asterisk, ari_url=cable.url) as engine,
        answered(asterisk, "300") as call,
    ):
        assert engine.asterisk is not None
        control = engine.asterisk.control
        await eventually(lambda: tone_ms(call) > 100)
        cable.cut()
        await eventually(lambda: control.connections == 2, "a second connection")
        before = tone_ms(call)
        await eventually(lambda: tone_ms(call) > before + 100, "sound after the gap")
        assert len(engine.calls.running) == 1
        call.hang_up()
        await eventually(lambda: not engine.calls.running, "the end")
        await nothing_left(asterisk)


async def test_a_caller_hangs_up_while_the_connection_is_lost(asterisk: Asterisk) -> None:
    async with (
        Cable.to(asterisk) as cable,
        controlling(asterisk, ari_url=cable.url) as engine,
        answered(asterisk, "300") as call,
    ):
        await eventually(lambda: tone_ms(call) > 100)
        cable.cut(and_stay=True)
        call.hang_up()
        await call.ended()
        await asyncio.sleep(0.3)
        assert len(engine.calls.running) == 1  # nobody could tell
        cable.mend()
        await eventually(lambda: not engine.calls.running, "the end")
        await nothing_left(asterisk)


async def test_what_a_call_leaves_while_the_connection_is_lost_is_deleted_later(
    asterisk: Asterisk,
) -> None:
    async with (
        Cable.to(asterisk) as cable,
        controlling(asterisk, ari_url=cable.url) as engine,
        answered(asterisk, "300") as call,
    ):
        await eventually(lambda: tone_ms(call) > 100)
        cable.cut(and_stay=True)
        engine.calls.stop()
        await eventually(lambda: not engine.calls.running, "the end")
        assert await asyncio.to_thread(asterisk.left)
        cable.mend()
        await call.ended()
        await nothing_left(asterisk)


async def test_another_engine_cleans_up_after_one_that_was_killed(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    settings = {
        "PALABRE_ARI_URL": asterisk.ari_url,
        "PALABRE_ARI_PASSWORD": asterisk.ari_password,
        "PALABRE_DEFAULT_SCENARIO": "bench",
    }
    with serving(tmp_path / "log", **settings) as served:
        await served.logged("asterisk.connected")
        async with asyncio.timeout(PATIENCE_S), Agent() as agent:
            calls = [agent.dial(asterisk.uri("300")) for _ in range(5)]
            for call in calls:
                await call.answered()
            await eventually(lambda: all(tone_ms(call) > 100 for call in calls))
            os.kill(served.pid, signal.SIGKILL)
            await served.ended()
            left = await asyncio.to_thread(asterisk.left)
            assert len([name for name in left if name.startswith("bridge")]) == 5
            async with controlling(asterisk):
                for call in calls:
                    await call.ended()
                await nothing_left(asterisk)


class Cable:
    """What stands between the engine and Asterisk's HTTP port. Only the connection of events can
    be cut."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._events: list[asyncio.StreamWriter] = []
        self._broken = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""

    @classmethod
    @asynccontextmanager
    async def to(cls, asterisk: Asterisk) -> AsyncIterator[Cable]:
        cable = cls(asterisk.ports.http)
        server = await asyncio.start_server(cable._joined, "127.0.0.1", 0)
        cable.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/ari"
        try:
            yield cable
        finally:
            server.close()
            await server.wait_closed()
            if cable._tasks:
                await asyncio.wait(cable._tasks)

    def cut(self, *, and_stay: bool = False) -> None:
        self._broken = and_stay
        for writer in self._events:
            writer.transport.abort()
        self._events.clear()

    def mend(self) -> None:
        self._broken = False

    async def _joined(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        first = await reader.readuntil(b"\r\n")
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._port)
        if b"/events" in first:
            self._events += [writer, far_writer]
            if self._broken:
                self.cut(and_stay=True)
        far_writer.write(first)
        self._spawn(reader, far_writer)
        self._spawn(far_reader, writer)

    def _spawn(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def carry() -> None:
            try:
                while data := await reader.read(65536):
                    writer.write(data)
            except OSError:
                pass
            writer.close()

        task = asyncio.create_task(carry())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
