import asyncio
import os
import sys
from pathlib import Path

import pytest

from bench.errors import ServerError
from bench.served import free_port, own_command, served

CORE = min(os.sched_getaffinity(0))


def test_our_own_command_can_be_run() -> None:
    assert Path(own_command()[0]).exists()


@pytest.mark.integration
@pytest.mark.asyncio
async def test_any_server_of_http_is_run_on_its_core(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    log_path = tmp_path / "logs" / "http.log"
    async with served(command, name="http", port=port, core=CORE, log_path=log_path) as process:
        assert os.sched_getaffinity(process.pid) == {CORE}
        assert "GET /health" in process.log_tail()
    assert process.process.poll() is not None


@pytest.mark.asyncio
async def test_a_command_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServerError, match="there is no /nowhere/palabre"):
        async with served(
            ["/nowhere/palabre"], name="x", port=1, core=CORE, log_path=tmp_path / "log"
        ):
            await asyncio.sleep(0)
