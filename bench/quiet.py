"""How quiet it was while something was measured, and what to measure again because it was not."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from bench.machine import Noise
from bench.proc import core_times, process_cpu_s
from bench.stats import Summary

__all__ = ["CLIENT_LAG_LIMIT_MS", "Cores", "Quiet", "Watched", "again_where_disturbed", "watched"]

#: Above it (p99), times taken in this process are this process's own.
CLIENT_LAG_LIMIT_MS = 5.0
PROBE_S = 0.02


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the server and that of the callers, who are this process."""

    server: int
    client: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """What others did meanwhile, and whether this process kept up.

    ``client_lag_ms`` is by how much a wait of 20 ms was exceeded; CPU is in percent of one core.
    """

    noise: Noise
    client_lag_ms: Summary
    server_cpu_percent: float
    client_cpu_percent: float
    window_s: float

    @property
    def disturbed(self) -> bool:
        """Whether the measurement should be made again."""
        return self.noise.polluted or self.client_lag_ms.p99 > CLIENT_LAG_LIMIT_MS

    def problems(self) -> list[str]:
        """What disturbed it, in words."""
        found = []
        if self.noise.polluted:
            found.append(f"others took {self.noise.worst:.0f} % of a core")
        if self.client_lag_ms.p99 > CLIENT_LAG_LIMIT_MS:
            found.append(f"the callers were late by {self.client_lag_ms.p99:.1f} ms (p99)")
        return found

    def as_json(self) -> dict[str, object]:
        return {
            "window_s": round(self.window_s, 2),
            "server_cpu_percent_of_core": round(self.server_cpu_percent, 2),
            "client_cpu_percent_of_core": round(self.client_cpu_percent, 2),
            "client_lag_ms": self.client_lag_ms.as_json(),
            "noise_percent_of_core": self.noise.as_json(),
            "disturbed": self.disturbed,
        }


@dataclass(slots=True)
class Watched:
    """Filled in when the block ends."""

    quiet: Quiet | None = None

    def result(self) -> Quiet:
        assert self.quiet is not None
        return self.quiet


@contextlib.asynccontextmanager
async def watched(pid: int, cores: Cores, *, beside: int | None = None) -> AsyncIterator[Watched]:
    """Watch both cores, the server `pid` and this process for as long as the block lasts.

    `beside` is a process of the bench's own that may run on either core: it is none of the others.
    """
    found = Watched()
    lags_ms: list[float] = []
    probe = asyncio.create_task(_lags(lags_ms), name="lag probe")
    start_s = time.monotonic()
    before = [core_times(core) for core in (cores.server, cores.client)]
    cpu_s, own_s = process_cpu_s(pid), time.process_time()
    beside_s = 0.0 if beside is None else process_cpu_s(beside)
    try:
        yield found
    finally:
        cpu_s, own_s = process_cpu_s(pid) - cpu_s, time.process_time() - own_s
        beside_s = 0.0 if beside is None else process_cpu_s(beside) - beside_s
        server_core, client_core = (
            core_times(core).since(was)
            for core, was in zip((cores.server, cores.client), before, strict=True)
        )
        window_s = time.monotonic() - start_s
        probe.cancel()
        await asyncio.wait({probe})
        # Which core it ran on nobody tells: it is taken off both, as they were busy otherwise.
        rest = [max(0.0, server_core.busy_s - cpu_s), max(0.0, client_core.busy_s - own_s)]
        known = min(1.0, beside_s / sum(rest)) if any(rest) else 0.0
        found.quiet = Quiet(
            noise=Noise.measured(
                before_percent=0.0,
                server_core=server_core,
                server_cpu_s=cpu_s + known * rest[0],
                client_core=client_core,
                client_cpu_s=own_s + known * rest[1],
                window_s=window_s,
            ),
            client_lag_ms=Summary.of(lags_ms),
            server_cpu_percent=cpu_s / window_s * 100.0,
            client_cpu_percent=own_s / window_s * 100.0,
            window_s=window_s,
        )


async def _lags(lags_ms: list[float]) -> None:
    while True:
        due_s = time.monotonic() + PROBE_S
        await asyncio.sleep(PROBE_S)
        lags_ms.append(max(0.0, time.monotonic() - due_s) * 1000.0)


class Disturbable(Protocol):
    """Something measured that knows how quiet it was."""

    @property
    def quiet(self) -> Quiet: ...


Item = TypeVar("Item")
Result = TypeVar("Result", bound=Disturbable)


async def again_where_disturbed(
    plan: Sequence[Item],
    measure: Callable[[Item], Awaitable[Result]],
    *,
    budget_s: float,
    told: Callable[[Item, Result], None] = lambda item, result: None,
) -> list[Result]:
    """Measure all of `plan` in order, then the disturbed ones once more, the worst first, while
    `budget_s` has room; the quieter of two is kept."""
    start_s = time.monotonic()
    kept: list[Result] = []
    for item in plan:
        result = await measure(item)
        kept.append(result)
        told(item, result)
    disturbed = [index for index, result in enumerate(kept) if result.quiet.disturbed]
    for index in sorted(disturbed, key=lambda index: -kept[index].quiet.noise.worst):
        spare_s = budget_s - (time.monotonic() - start_s)
        if spare_s < kept[index].quiet.window_s * 1.1:
            continue
        result = await measure(plan[index])
        told(plan[index], result)
        if result.quiet.noise.worst < kept[index].quiet.noise.worst:
            kept[index] = result
    return kept
