import asyncio
import dataclasses
import os
from pathlib import Path

import pytest

from bench.density.servers import SERVERS, Kit, running
from bench.errors import ServerError

pytestmark = pytest.mark.integration

CORE = min(os.sched_getaffinity(0))


def kit(logs: Path) -> Kit:
    return Kit(palabre=("/nowhere/palabre",), pipecat_python="", features="", log_directory=logs)


@pytest.mark.asyncio
async def test_a_server_runs_on_its_core_and_ends_with_the_block(tmp_path: Path) -> None:
    own = os.sched_getaffinity(0)
    async with running(SERVERS["bound"], kit(tmp_path), vad="webrtc", core=CORE) as process:
        assert os.sched_getaffinity(process.pid) == {CORE}
        reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
        writer.write(b"GET /media HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                     b"Connection: Upgrade\r\nSec-WebSocket-Key: cGFsYWJyZSBkZW5zaXR5IQ==\r\n"
                     b"Sec-WebSocket-Version: 13\r\n\r\n")  # fmt: skip
        assert (await reader.readline()).startswith(b"HTTP/1.1 101")
        writer.close()
        await writer.wait_closed()
    assert process.process.poll() == 0
    assert os.sched_getaffinity(0) == own


@pytest.mark.asyncio
async def test_a_server_ends_when_the_bench_is_cancelled(tmp_path: Path) -> None:
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def bench() -> None:
        async with running(SERVERS["bound"], kit(tmp_path), vad="webrtc", core=CORE) as process:
            started.set_result(process.pid)
            await asyncio.sleep(60)

    task = asyncio.create_task(bench())
    pid = await started
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@pytest.mark.asyncio
async def test_a_server_that_ends_at_once_is_told_with_its_log(tmp_path: Path) -> None:
    broken = dataclasses.replace(kit(tmp_path), palabre=("/bin/sh", "-c", "echo no voice; exit 3"))
    with pytest.raises(ServerError, match=r"ended with 3[\s\S]*no voice"):
        async with running(SERVERS["palabre"], broken, vad="webrtc", core=CORE):
            pass
