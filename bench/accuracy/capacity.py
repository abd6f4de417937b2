"""What a Vosk model costs and how many streams a core carries: a program, alone on its core.

    python -m bench.accuracy.capacity MODEL SOUNDS.npz CORE

Each stream is a call's recogniser (`pipelines.speech.vosk.VoskSTT`), given speech without a pause
at its own pace, in the gate's chunks; all are in one process on one core, with its event loop.
Prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bench.accuracy.conditions import LEAD_S
from bench.accuracy.recognise import CHUNK_S, Heard, lane, recognise
from bench.machine import pin
from bench.proc import core_times, process_cpu_s, process_rss_mb
from bench.stats import Summary
from pipelines.audio.resample import RATE_HZ
from pipelines.speech.vosk import VoskModel, VoskSTT

__all__ = ["FINAL_MS", "measure", "search", "streams"]

FINAL_MS = 100.0
"""What a final may take (p95): the transcript's share of the latency budget."""
FEW = 4
"""Streams with which latency is measured where nothing is scarce."""
PROBE_S = 8.0
PROBES = 8
CLOSE = 1.1
"""The search ends when the largest number that was carried and the smallest that was not are
this close."""
LOADS = 3


async def streams(model: VoskModel, sounds: Sequence[bytes], count: int, seconds: float) -> Any:
    """`count` streams for `seconds`, begun at random over the first chunk. JSON."""
    heard: list[Heard] = []
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    decoder = model.decoder
    skipped, dropped = decoder.interims_skipped, decoder.sound_dropped_s

    async def call(number: int) -> None:
        chance = random.Random(number)
        await asyncio.sleep(chance.random() * len(sounds[number % len(sounds)]) / (2 * RATE_HZ))
        async with lane(VoskSTT(model)) as one:
            while loop.time() < end:
                pcm = chance.choice(sounds)
                heard.append(await one.say(pcm, backlog_s=None, onset_s=LEAD_S))

    core = min(os.sched_getaffinity(0))
    before, cpu_s = core_times(core), process_cpu_s(os.getpid())
    start = loop.time()
    async with asyncio.TaskGroup() as tasks:
        for number in range(count):
            tasks.create_task(call(number))
    window_s = loop.time() - start
    own_s = process_cpu_s(os.getpid()) - cpu_s
    others_s = core_times(core).since(before).busy_s - own_s
    final_ms = Summary.of(one.final_ms for one in heard)
    return {
        "streams": count,
        "carried": final_ms.p95 <= FINAL_MS and decoder.sound_dropped_s == dropped,
        "finals": len(heard),
        "final_ms": final_ms.as_json(),
        "first_interim_ms": Summary.of(
            one.first_ms for one in heard if not math.isnan(one.first_ms)
        ).as_json(),
        "late_chunk_ms": Summary.of(one.late_ms for one in heard).as_json(),
        "interims_skipped": decoder.interims_skipped - skipped,
        "cpu_percent": round(100.0 * own_s / window_s, 1),
        "others_percent": round(max(0.0, 100.0 * others_s / window_s), 1),
        "rss_mb": round(process_rss_mb(os.getpid()), 1),
    }


async def search(model: VoskModel, sounds: Sequence[bytes], probes: int, seconds: float) -> Any:
    """Probes of `streams`: few, then as many as the CPU of those few promises, then between the
    largest number that was carried and the smallest that was not."""
    made = [await streams(model, sounds, FEW, seconds)]
    least, most = (FEW, None) if made[0]["carried"] else (0, FEW)
    count = max(FEW + 1, round(FEW * 80.0 / max(1.0, made[0]["cpu_percent"])))
    while len(made) < probes and least and (most is None or most > least * CLOSE):
        made.append(await streams(model, sounds, count, seconds))
        if made[-1]["carried"]:
            least = max(least, count)
        else:
            most = count if most is None else min(most, count)
        count = round(least * 1.3) if most is None else round(math.sqrt(least * most))
        if count in (least, most):
            break
    return {"carried": least, "not_carried": most, "probes": made}


async def measure(path: Path, sounds: Sequence[bytes]) -> Any:
    """Load, memory, real-time factor and streams of the model in `path`, in this process. JSON."""
    import vosk  # noqa: F401 (its import is no part of the load)

    before_mb = process_rss_mb(os.getpid())
    loads_ms: list[float] = []
    loaded_mb = 0.0
    for _ in range(LOADS):
        model = VoskModel(path, workers=1)
        start = time.perf_counter()
        await model.load()
        loads_ms.append((time.perf_counter() - start) * 1000.0)
        loaded_mb = loaded_mb or process_rss_mb(os.getpid()) - before_mb
        model.close()
    model = VoskModel(path, workers=1)
    await model.load()
    try:
        cpu_s = time.process_time()
        await recognise([VoskSTT(model)], sounds, backlog_s=lambda: model.backlog_s)
        cpu_s = time.process_time() - cpu_s
        spoken_s = sum(map(len, sounds)) / (2 * RATE_HZ)
        return {
            "load_ms": round(statistics.median(loads_ms), 1),
            "memory_mb": round(loaded_mb, 1),
            "real_time_factor": round(cpu_s / spoken_s, 4),
            "chunk_ms": CHUNK_S * 1000.0,
            "streams_per_core": await search(model, sounds, PROBES, PROBE_S),
        }
    finally:
        model.close()


def main() -> None:
    """See the module's docstring."""
    path, file, core = sys.argv[1:]
    pin(int(core))
    with np.load(file) as arrays:
        sounds = [arrays[name].tobytes() for name in arrays.files]
    print(json.dumps(asyncio.run(measure(Path(path), sounds))))


if __name__ == "__main__":
    main()
