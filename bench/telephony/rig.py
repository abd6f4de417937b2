"""What every phase runs with: one Asterisk, one engine that controls it, each ended at the end."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench.asterisk import Asterisk, running
from bench.errors import ServerError
from bench.quiet import Cores
from bench.served import HOST, Served, free_port, served

__all__ = ["EXTENSION", "Plan", "Rig", "engine", "settled"]

EXTENSION = "300"
"""Of ../shared/asterisk: leads to the application by ARI."""
CONNECT_S = 20.0
SETTLE_S = 10.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How a run is made."""

    palabre: tuple[str, ...]
    seed: int
    cores: Cores
    out: Path


@dataclass(frozen=True, slots=True)
class Rig:
    """Asterisk runs; an engine is started with `engine`."""

    plan: Plan
    asterisk: Asterisk

    @property
    def uri(self) -> str:
        return self.asterisk.uri(EXTENSION)

    @classmethod
    @contextlib.asynccontextmanager
    async def up(cls, plan: Plan) -> AsyncIterator[Rig]:
        """Raises AsteriskMissing or BenchError."""
        cores = (plan.cores.server, plan.cores.client)
        with running(plan.out / "asterisk", cores=cores) as asterisk:
            yield cls(plan, asterisk)


@asynccontextmanager
async def engine(rig: Rig, *, name: str, ari_port: int = 0) -> AsyncIterator[Served]:
    """`palabre serve --speech null`, connected to Asterisk; by way of `ari_port` if given.

    Raises ServerError.
    """
    plan, asterisk, port = rig.plan, rig.asterisk, free_port()
    given = {
        "ARI_URL": f"http://{HOST}:{ari_port or asterisk.ports.http}/ari",
        "ARI_USER": asterisk.ari_user,
        "ARI_PASSWORD": asterisk.ari_password,
        "ARI_APP": asterisk.ari_app,
    }
    command = ["env", *(f"PALABRE_{key}={value}" for key, value in given.items())]
    command += [*plan.palabre, "serve", "--port", str(port), "--speech", "null"]
    command += ["--vad", "webrtc", "--log-json"]
    log_path = plan.out / "logs" / f"telephony-{name}.log"
    async with served(
        command, name="palabre", port=port, core=plan.cores.server, log_path=log_path
    ) as process:
        await _connected(process)
        yield process


async def _connected(process: Served) -> None:
    deadline = time.monotonic() + CONNECT_S
    problem = "it does not answer"
    async with httpx.AsyncClient(trust_env=False) as client:
        while time.monotonic() < deadline:
            with contextlib.suppress(httpx.HTTPError):
                answer = await client.get(f"http://{HOST}:{process.port}/health/asterisk")
                if answer.status_code == 200:
                    return
                problem = answer.json().get("problem", "")
            await asyncio.sleep(0.05)
    raise ServerError(f"the engine does not connect to Asterisk: {problem}\n{process.log_tail()}")


async def settled(rig: Rig, process: Served) -> tuple[float, list[str]]:
    """Wait until nothing is left of any call, for `SETTLE_S` at most: how long that took, and what
    is left."""
    began = time.monotonic()
    async with httpx.AsyncClient(trust_env=False) as client:
        while True:
            left = await asyncio.to_thread(rig.asterisk.left)
            listed = (await client.get(f"http://{HOST}:{process.port}/calls")).json()["calls"]
            left += [f"session {call['session']}" for call in listed]
            took_s = time.monotonic() - began
            if not left or took_s > SETTLE_S:
                return took_s, left
            await asyncio.sleep(0.02)
