"""The three servers: how each is started, reached, and ended."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.density.script import ENDPOINTING_MS
from bench.errors import ServerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["HOST", "SERVERS", "Kit", "Server", "free_port", "running"]

HOST = "127.0.0.1"
ROOT = Path(__file__).resolve().parents[2]
#: Importing pipecat with its models takes 4 s here, several times that on a busy machine.
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Kit:
    """What the servers are started with, beyond their port and VAD."""

    palabre: tuple[str, ...]
    pipecat_python: str
    features: str
    log_directory: Path


@dataclass(frozen=True, slots=True)
class Server:
    """A server under test."""

    name: str
    title: str

    def command(self, kit: Kit, port: int, vad: str) -> list[str]:
        """The command line that serves on ``port``."""
        arguments = ["--port", str(port), "--vad", vad]
        match self.name:
            case "palabre":
                silence = ["--endpoint-ms", str(ENDPOINTING_MS)]
                return [*kit.palabre, "serve", "--speech", "null", *arguments, *silence]
            case "pipecat":
                return [kit.pipecat_python, "-m", "bench.density.pipecat_server", *arguments]
            case _:
                return [sys.executable, "-m", "bench.density.bound_server", *arguments]

    def endpoint_ms(self, vad: str, release_ms: float) -> float:
        """When the endpoint is due after the last sound of speech; later is overhead.

        240 ms of silence are asked of all. The peers count them in steps of their VAD (20 or
        32 ms), from when it no longer hears speech (``release_ms`` after the last sound): with
        WebRTC VAD 12 steps, with Silero 8 of 7.5. Ours is held to what was asked.
        """
        step_ms = 20 if vad == "webrtc" else 32
        match self.name:
            case "palabre":
                return ENDPOINTING_MS
            case "pipecat":
                return release_ms + round(ENDPOINTING_MS / step_ms) * step_ms
            case _:
                return release_ms - (-ENDPOINTING_MS // step_ms) * step_ms

    def target(self, kit: Kit) -> str:
        """The request target of a call."""
        if self.name != "palabre":
            return "/media"
        # Which scenario `--speech null` runs is the server's own choice.
        features = f"&features={kit.features}" if kit.features else ""
        return f"/media?rate=16000{features}"


SERVERS = {
    server.name: server
    for server in (
        Server("palabre", "Palabre"),
        Server("pipecat", "pipecat"),
        Server("bound", "bare bound"),
    )
}


def free_port() -> int:
    """A TCP port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def running(server: Server, kit: Kit, *, vad: str, core: int) -> AsyncIterator[Running]:
    """``server`` on ``core``, from when it answers; ended however the block ends."""
    port = free_port()
    command = server.command(kit, port, vad)
    if shutil.which(command[0]) is None:
        raise ServerError(f"{server.name} cannot be started: there is no {command[0]}")
    # Should this process be killed, the kernel ends the server.
    if setpriv := shutil.which("setpriv"):
        command = [setpriv, "--pdeathsig", "KILL", *command]
    kit.log_directory.mkdir(parents=True, exist_ok=True)
    log_path = kit.log_directory / f"{server.name}.log"
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
        started = Running(process, port, log_path)
        await started.serving(server)
        yield started
    finally:
        await stop(process)


@dataclass(frozen=True, slots=True)
class Running:
    """A server's process, and where it listens."""

    process: subprocess.Popen[bytes]
    port: int
    log_path: Path

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    async def serving(self, server: Server) -> None:
        """Wait until it answers HTTP; raises ServerError if it ends or never does."""
        deadline_s = asyncio.get_running_loop().time() + START_TIMEOUT_S
        while asyncio.get_running_loop().time() < deadline_s:
            if self.process.poll() is not None:
                raise ServerError(
                    f"{server.name} ended with {self.process.returncode} instead of serving; "
                    f"see {self.log_path}\n{self.log_tail()}"
                )
            if await answers(self.port):
                return
            await asyncio.sleep(0.1)
        raise ServerError(
            f"{server.name} did not answer within {START_TIMEOUT_S:.0f} s; see {self.log_path}"
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
