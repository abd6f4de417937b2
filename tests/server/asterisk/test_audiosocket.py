"""AudioSocket: calls of a real Asterisk, and connections that are none."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from itertools import pairwise
from uuid import UUID

import numpy as np
import pytest

from bench.asterisk import HOST, Asterisk
from engine.errors import ConfigurationError
from server.app import Application
from server.asterisk.audiosocket import AudioSocketListener
from server.settings import Settings
from telephony.asterisk.audiosocket.protocol import HANGUP, Decoder, Over, Sound, sound
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import (
    PATIENCE_S,
    answered,
    eventually,
    said_by_caller,
    tone_ms,
    tones,
)
from tests.server.served import Served, serving

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

UUID_MESSAGE = b"\x01\x00\x10" + UUID(int=7).bytes


@pytest.fixture(scope="module")
def served(
    asterisk_instance: Asterisk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    listen = json.dumps({f"{HOST}:{asterisk_instance.ports.audiosocket}": ""})
    log = tmp_path_factory.mktemp("served") / "log"
    with serving(log, "--capacity", "1", PALABRE_AUDIOSOCKET=listen) as served:
        served.expect("audiosocket.ready")
        yield served


async def over(served: Served, reason: str) -> None:
    """The last call has ended for `reason`."""
    await served.settles("calls_active", 0)
    *_, last = (record for record in served.records() if record["event"] == "call.ended")
    assert (last["reason"], last["faults"]) == (reason, {})


@pytest.mark.integration
@pytest.mark.asyncio
@pytest.mark.parametrize(("extension", "rate_hz"), [("200", 8000), ("201", 16000)])
async def test_a_caller_is_greeted_heard_and_answered(
    asterisk: Asterisk, served: Served, extension: str, rate_hz: int
) -> None:
    async with answered(asterisk, extension) as call:
        await eventually(lambda: tone_ms(call) >= 2900, "the greeting")
        await eventually(lambda: not any(tones(call)[-5:]), "its end")
        call.mouth.say(said_by_caller())
        await eventually(lambda: tone_ms(call) >= 3500, "the answer")
        await served.logged("call.started", rate_hz=rate_hz, origin="audiosocket")
        call.hang_up()
        await call.ended()
    await over(served, "caller")


@pytest.mark.integration
@pytest.mark.asyncio
async def test_who_speaks_over_us_hears_no_more_of_it(asterisk: Asterisk, served: Served) -> None:
    async with answered(asterisk, "200") as call:
        await eventually(lambda: tone_ms(call) >= 600, "the greeting")
        call.mouth.say(np.concatenate([said_by_caller()] * 2))
        await eventually(lambda: tone_ms(call) >= 1500, "the answer")
        call.hang_up()
        await call.ended()
    arrivals = [at for at, _ in call.ear.packets]
    gaps = [after - before for before, after in pairwise(arrivals)]
    stopped = int(np.argmax(gaps))
    assert gaps[stopped] > 0.3, "while the caller went on speaking"
    assert 600 <= 20 * stopped < 1500
    await over(served, "caller")


@pytest.mark.integration
@pytest.mark.asyncio
async def test_a_caller_who_sends_nothing_is_kept(asterisk: Asterisk, served: Served) -> None:
    """The application would give up after 2 s without sound either way."""
    async with answered(asterisk, "200") as call:
        call.mouth.silent = True
        await asyncio.sleep(4.0)
        assert call.end is None
        call.hang_up()
        await call.ended()
    await over(served, "caller")


@pytest.mark.integration
@pytest.mark.asyncio
async def test_keys_arrive(asterisk: Asterisk, served: Served) -> None:
    async with answered(asterisk, "201") as call:
        await eventually(lambda: tone_ms(call) >= 300, "the greeting")
        call.mouth.press("5")
        await served.logged("turn", turn=1, interrupted=True)
        call.hang_up()
        await call.ended()
    await over(served, "caller")


async def _read(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(PATIENCE_S):
        return await reader.read()


@pytest.mark.integration
@pytest.mark.asyncio
async def test_a_full_server_hangs_up_and_strangers_are_left(
    asterisk: Asterisk, served: Served
) -> None:
    port = asterisk.ports.audiosocket
    async with answered(asterisk, "200") as call:
        await eventually(lambda: tone_ms(call) >= 100, "the greeting")
        for begin, answer, says in (
            (UUID_MESSAGE, HANGUP, "call.refused"),
            (b"GET / HTTP/1.1\r\n\r\n", b"", "call.rejected"),
            (sound(bytes(320), 8000), HANGUP, "call.rejected"),
        ):
            reader, writer = await asyncio.open_connection(HOST, port)
            writer.write(begin)
            if b"HTTP" in begin:
                writer.write_eof()
            assert await _read(reader) == answer
            writer.close()
            await writer.wait_closed()
            await served.logged(says)
        assert call.end is None
        call.hang_up()
        await call.ended()
    await over(served, "caller")


@pytest.mark.integration
@pytest.mark.asyncio
async def test_sound_is_paced_and_its_end_is_told(served: Served) -> None:
    """As Asterisk's, without Asterisk: 16 kHz, in pieces, and a hang-up."""
    port = int(served.expect("audiosocket.ready")["port"])
    reader, writer = await asyncio.open_connection(HOST, port)
    began = asyncio.get_running_loop().time()
    writer.write(UUID_MESSAGE[:5])
    await asyncio.sleep(0.01)
    writer.write(UUID_MESSAGE[5:] + sound(bytes(640), 16000))
    decoder, pieces = Decoder(), 0
    async with asyncio.timeout(PATIENCE_S):
        while pieces < 50:
            for event in decoder.feed(await reader.read(4096)):
                assert isinstance(event, Sound)
                assert (event.rate_hz, len(event.pcm)) == (16000, 640)
                pieces += 1
    assert asyncio.get_running_loop().time() - began > 0.9, "a second takes a second"
    writer.write(HANGUP)
    rest = list(decoder.feed(await _read(reader)))
    assert rest[-1] == Over()
    writer.close()
    await writer.wait_closed()
    await over(served, "caller")


@pytest.mark.integration
@pytest.mark.asyncio
async def test_the_server_stops(
    asterisk: Asterisk, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("stopped")
    with serving(folder / "log", PALABRE_AUDIOSOCKET='{"127.0.0.1:0": ""}') as served:
        port = int((await served.logged("audiosocket.ready"))["port"])
        reader, writer = await asyncio.open_connection(HOST, port)
        writer.write(UUID_MESSAGE + sound(bytes(320), 8000))
        await served.logged("call.started")
        served.signal(signal.SIGINT)
        assert (await _read(reader)).endswith(HANGUP)
        writer.close()
        await writer.wait_closed()
        assert await served.ended() == 0


@pytest.mark.parametrize("address", ["9092", "localhost", "[::1]", "127.0.0.1:99999", ":9092"])
def test_what_is_no_address(address: str) -> None:
    application = Application(Settings(speech="null"))
    with pytest.raises(ConfigurationError, match="setting audiosocket"):
        AudioSocketListener(application.calls, {address: ""})


@pytest.mark.asyncio
async def test_what_cannot_be_listened_on() -> None:
    application = Application(Settings(speech="null"))
    async with asyncio.TaskGroup():
        await application.parts.start()
        taken = await asyncio.start_server(lambda reader, writer: None, HOST, 0)
        async with taken:
            address = f"{HOST}:{taken.sockets[0].getsockname()[1]}"
            with pytest.raises(ConfigurationError, match="cannot listen"):
                await AudioSocketListener(application.calls, {address: "bench"}).run()
        with pytest.raises(ConfigurationError, match="unknown scenario"):
            await AudioSocketListener(application.calls, {f"{HOST}:0": "nothing"}).run()
        await application.parts.close()
