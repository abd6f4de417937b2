"""One row: N calls on one server, from a fresh process to its end."""

from __future__ import annotations

import asyncio
import gc
import math
import time
from dataclasses import dataclass, field

from bench.density.client import CYCLE_S, Load
from bench.density.script import Script
from bench.density.servers import Kit, Server, running
from bench.machine import Noise
from bench.proc import core_times, process_cpu_s, process_rss_mb
from bench.served import HOST, Served
from bench.stats import Summary

__all__ = ["LATENESS_LIMIT_MS", "Bench", "Row", "measure_row"]

#: A listener's jitter buffer holds a frame or two; later than a frame, sound is lost.
LATENESS_LIMIT_MS = 20.0
#: Above it the client, not the server, is what was measured.
CLIENT_LATENESS_LIMIT_MS = 5.0
CLIENT_CPU_LIMIT_PERCENT = 90.0
QUIET_PROBE_S = 0.5
SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Bench:
    """What all rows of a run share. ``cycles`` is the length of the measuring window."""

    script: Script
    kit: Kit
    vad: str
    server_core: int
    client_core: int
    cycles: int = 1
    attempts: int = 2


@dataclass(frozen=True, slots=True)
class Row:
    """What N calls cost and how they sounded. CPU is in percent of one core."""

    server: str
    vad: str
    calls: int
    window_s: float
    cpu_percent: float
    rss_idle_mb: float
    rss_mb: float
    response_ms: Summary
    endpointing_ms: float
    """What ``overhead_ms`` leaves out: from the last sound of speech to the endpoint."""
    overhead_ms: Summary
    lateness_ms: Summary
    pace_lateness_ms: Summary
    lead_ms: float
    replies: dict[str, int]
    stray_ms: float
    lost_calls: dict[str, int]
    errors: dict[str, int]
    client_lateness_ms: Summary
    client_cpu_percent: float
    noise: Noise
    attempt: int = 1
    problems: list[str] = field(default_factory=list)

    @property
    def cpu_per_call_percent(self) -> float:
        """CPU of one core that one call takes."""
        return self.cpu_percent / self.calls

    @property
    def rss_per_call_mb(self) -> float:
        """Memory that one call adds."""
        return (self.rss_mb - self.rss_idle_mb) / self.calls

    @property
    def valid(self) -> bool:
        """Whether the client kept up, so that the row speaks of the server."""
        return not (
            self.client_lateness_ms.p99 > CLIENT_LATENESS_LIMIT_MS
            or self.client_cpu_percent > CLIENT_CPU_LIMIT_PERCENT
        )

    @property
    def correct(self) -> bool:
        """Every turn was answered, once, with the whole reply, and no call was lost."""
        return not self.lost_calls and self.replies["complete"] == self.replies["expected"]

    @property
    def sustained(self) -> bool:
        """Whether the server carries this many calls."""
        return self.correct and self.lateness_ms.p99 <= LATENESS_LIMIT_MS

    def as_json(self) -> dict[str, object]:
        """The row for ``density.json``."""
        return {
            "server": self.server,
            "vad": self.vad,
            "calls": self.calls,
            "window_s": round(self.window_s, 3),
            "cpu_percent_of_core": round(self.cpu_percent, 3),
            "cpu_per_call_percent": round(self.cpu_per_call_percent, 4),
            "rss_idle_mb": round(self.rss_idle_mb, 2),
            "rss_per_call_mb": round(self.rss_per_call_mb, 3),
            "voice_to_voice_ms": self.response_ms.as_json(),
            "endpointing_ms": self.endpointing_ms,
            "overhead_ms": self.overhead_ms.as_json(),
            "lateness_ms": self.lateness_ms.as_json(),
            "pace_lateness_ms": self.pace_lateness_ms.as_json(),
            "lead_ms": self.lead_ms,
            "replies": self.replies,
            "stray_ms": round(self.stray_ms, 1),
            "lost_calls": self.lost_calls,
            "errors": self.errors,
            "client": {
                "send_lateness_ms": self.client_lateness_ms.as_json(),
                "cpu_percent_of_core": round(self.client_cpu_percent, 2),
                "kept_up": self.valid,
            },
            "noise_percent_of_core": self.noise.as_json(),
            "attempt": self.attempt,
            "correct": self.correct,
            "sustained": self.sustained,
            "problems": self.problems,
        }


async def measure_row(bench: Bench, server: Server, calls: int) -> Row:
    """Measure a row; again, up to ``bench.attempts`` times, while others disturb it.

    Returns the least disturbed attempt. Raises ServerError if the server does not start.
    Cancelling it ends the server and the calls.
    """
    best: Row | None = None
    for attempt in range(1, bench.attempts + 1):
        row = await _measure_once(bench, server, calls, attempt)
        if best is None or (row.valid, -row.noise.worst) > (best.valid, -best.noise.worst):
            best = row
        if best.valid and not best.noise.polluted:
            break
    assert best is not None
    return best


async def _measure_once(bench: Bench, server: Server, calls: int, attempt: int) -> Row:
    before = core_times(bench.server_core)
    await asyncio.sleep(QUIET_PROBE_S)
    busy_before = core_times(bench.server_core).since(before).busy_s / QUIET_PROBE_S * 100.0
    async with running(server, bench.kit, vad=bench.vad, core=bench.server_core) as process:
        await asyncio.sleep(SETTLE_S)
        return await _measure_calls(bench, server, process, calls, attempt, busy_before)


async def _measure_calls(
    bench: Bench, server: Server, process: Served, calls: int, attempt: int, busy_before: float
) -> Row:
    rss_idle_mb = process_rss_mb(process.pid)
    load = Load(
        bench.script,
        host=HOST,
        port=process.port,
        target=server.target(bench.kit),
        calls=calls,
        features=bool(bench.kit.features) and server.name == "palabre",
    )
    window_s = bench.cycles * CYCLE_S
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        await load.ramp()
        # One more cycle, so that every caller has spoken once and is in its stride.
        await asyncio.sleep(CYCLE_S)
        load.open_window(window_s)
        start_s = time.monotonic()
        cores = [core_times(core) for core in (bench.server_core, bench.client_core)]
        cpu_s, own_s = process_cpu_s(process.pid), time.process_time()
        await asyncio.sleep(window_s)
        cpu_s, own_s = process_cpu_s(process.pid) - cpu_s, time.process_time() - own_s
        server_core, client_core = (
            core_times(core).since(was)
            for core, was in zip((bench.server_core, bench.client_core), cores, strict=True)
        )
        measured_s = time.monotonic() - start_s
        rss_mb = process_rss_mb(process.pid)
        client_lateness = Summary.of(load.send_lateness_ms)
        # The last replies of the window are heard out, under the same load.
        await asyncio.sleep(CYCLE_S - bench.script.speech_ms / 1000.0)
    finally:
        load.close()
        gc.enable()
        gc.unfreeze()
    endpoint_ms = server.endpoint_ms(bench.vad, bench.script.vad_release_ms)
    response = Summary.of(load.replies.response_ms)
    row = Row(
        server=server.name,
        vad=bench.vad,
        calls=calls,
        window_s=measured_s,
        cpu_percent=cpu_s / measured_s * 100.0,
        rss_idle_mb=rss_idle_mb,
        rss_mb=rss_mb,
        response_ms=response,
        endpointing_ms=endpoint_ms,
        overhead_ms=response.less(endpoint_ms),
        lateness_ms=Summary.of(load.replies.lateness_ms),
        pace_lateness_ms=Summary.of(load.replies.pace_lateness_ms),
        lead_ms=load.lead_ms,
        replies=load.replies.counts(calls * bench.cycles),
        stray_ms=load.stray_ms,
        lost_calls=dict(load.lost),
        errors=dict(load.errors),
        client_lateness_ms=client_lateness,
        client_cpu_percent=own_s / measured_s * 100.0,
        noise=Noise.measured(
            before_percent=busy_before,
            server_core=server_core,
            server_cpu_s=cpu_s,
            client_core=client_core,
            client_cpu_s=own_s,
            window_s=measured_s,
        ),
        attempt=attempt,
    )
    row.problems.extend(_problems(row, process))
    return row


def _problems(row: Row, process: Served) -> list[str]:
    """What is wrong with a row, in words."""
    problems = []
    if process.process.poll() is not None:
        problems.append(f"the server ended with {process.process.returncode}")
    if not row.valid:
        problems.append(
            f"the client was late by {row.client_lateness_ms.p99:.1f} ms (p99) at "
            f"{row.client_cpu_percent:.0f} % of its core: not the server's number"
        )
    problems += [f"{count} calls {reason}" for reason, count in row.lost_calls.items()]
    problems += [
        f"{row.replies[kind]} replies {kind.replace('_', ' ')}"
        for kind in ("missing", "short", "too_long")
        if row.replies[kind]
    ]
    if row.stray_ms:
        problems.append(f"{row.stray_ms:.0f} ms of sound while the caller spoke")
    if not row.lateness_ms.p99 <= LATENESS_LIMIT_MS and not math.isnan(row.lateness_ms.p99):
        problems.append(f"p99 lateness {row.lateness_ms.p99:.0f} ms")
    if row.noise.polluted:
        problems.append(f"others took {row.noise.worst:.0f} % of a core")
    return problems
