"""A server under test: a process on a core of its own, from when it answers to its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import ServerError

__all__ = ["HOST", "Served", "free_port", "own_command", "served"]

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[1]
#: Importing pipecat with its models takes 4 s here, several times that on a busy machine.
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0


def own_command() -> tuple[str, ...]:
    """`palabre` of the environment that runs the bench, or the work tree's own."""
    beside = Path(sys.executable).with_name("palabre")
    return (str(beside),) if beside.exists() else (sys.executable, "-m", "server")


def free_port() -> int:
    """A TCP port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def served(
    command: Sequence[str], *, name: str, port: int, core: int, log_path: Path
) -> AsyncIterator[Served]:
    """`command`, which serves HTTP on `port`, on `core`; ended however the block ends.

    Raises ServerError if it does not start.
    """
    if shutil.which(command[0]) is None:
        raise ServerError(f"{name} cannot be started: there is no {command[0]}")
    # Should this process be killed, the kernel ends the server.
    if setpriv := shutil.which("setpriv"):
        command = [setpriv, "--pdeathsig", "KILL", *command]
    log_path.parent.mkdir(parents=True, exist_ok=True)
    own_cores = os.sched_getaffinity(0)
    with log_path.open("wb") as log:
        try:
            # A process inherits its parent's affinity, so no thread of it ever runs elsewhere.
            os.sched_setaffinity(0, {core})
            process = subprocess.Popen(  # noqa: ASYNC220
                command,
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        finally:
            os.sched_setaffinity(0, own_cores)
    try:
        started = Served(name, process, port, log_path)
        await started.serving()
        yield started
    finally:
        await stop(process)


@dataclass(frozen=True, slots=True)
class Served:
    """A server's process, and where it listens."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    log_path: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    async def serving(self) -> None:
        """Wait until it answers HTTP; raises ServerError if it ends or never does."""
        deadline_s = asyncio.get_running_loop().time() + START_TIMEOUT_S
        while asyncio.get_running_loop().time() < deadline_s:
            if self.process.poll() is not None:
                raise ServerError(
                    f"{self.name} ended with {self.process.returncode} instead of serving; "
                    f"see {self.log_path}\n{self.log_tail()}"
                )
            if await answers(self.port):
                return
            await asyncio.sleep(0.1)
        raise ServerError(
            f"{self.name} did not answer within {START_TIMEOUT_S:.0f} s; see {self.log_path}"
        )

    def log_tail(self, lines: int = 5) -> str:
        """The end of what it has logged."""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])


async def answers(port: int) -> bool:
    """Whether a server answers HTTP, with any status: a listening socket alone is not a server.

    Cancelling it is safe.
    """
    try:
        reader, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    try:
        writer.write(f"GET /health HTTP/1.1\r\nHost: {HOST}\r\nConnection: close\r\n\r\n".encode())
        return (await asyncio.wait_for(reader.readline(), 5.0)).startswith(b"HTTP/")
    except (OSError, TimeoutError):
        return False
    finally:
        writer.close()


async def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process by its id: asked first, then made to. Cancelling it kills at once."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        for _ in range(int(STOP_TIMEOUT_S / 0.05)):
            if process.poll() is not None:
                return
            await asyncio.sleep(0.05)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
