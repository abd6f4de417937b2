"""The three servers: how each is started, reached, and ended."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.density.script import ENDPOINTING_MS
from bench.served import Served, free_port, served

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

__all__ = ["SERVERS", "Kit", "Server", "running"]


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


@contextlib.asynccontextmanager
async def running(server: Server, kit: Kit, *, vad: str, core: int) -> AsyncIterator[Served]:
    """``server`` on ``core``, from when it answers; ended however the block ends."""
    port = free_port()
    command = server.command(kit, port, vad)
    log_path = kit.log_directory / f"{server.name}.log"
    async with served(
        command, name=server.name, port=port, core=core, log_path=log_path
    ) as started:
        yield started
