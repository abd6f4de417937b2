"""Many calls: in worker processes, each call from its own seed."""

from __future__ import annotations

import gc
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path

from pipelines.workers import pool
from server.sim.call import Outcome, Shared, prepare, simulate
from server.sim.measures import measure
from server.sim.script import Script, draw
from server.sim.sounds import kept
from server.talk.turn_taking import TurnTaking

__all__ = ["Batch", "Plan", "Result", "play", "run"]

CHUNK = 25
"""Calls that a worker plays between two looks at its memory."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to simulate: the calls `seed`, `seed` + 1 …"""

    calls: int
    seed: int
    minutes: float
    faults: bool
    cache_dir: Path | None = None

    def draw(self, seed: int) -> Script:
        return draw(seed, self.minutes, faults=self.faults)


@dataclass(frozen=True, slots=True)
class Result:
    """One call, as much of it as leaves its process."""

    seed: int
    condition: str
    echo: bool
    lasted_s: float
    ended: str
    turns: int
    violations: tuple[tuple[str, str], ...]
    """Of which invariant, and what."""
    turn_taking: TurnTaking
    happened: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Batch:
    """Calls that a worker played in a row, and what it then held."""

    worker: int
    results: Sequence[Result]
    cpu_s: float
    objects: int
    """That the garbage collector knows, but for what is kept on purpose: what leaks shows here."""


def play(script: Script, shared: Shared) -> tuple[Outcome, Result]:
    """Simulate and measure one call."""
    outcome = simulate(script, shared)
    happened: Counter[str] = Counter(one.kind for one in outcome.said)
    happened.update(f"fault: {fault.of} {fault.kind}" for fault in script.faults)
    turns = sum(message["type"] == "turn" for _, message in outcome.messages)
    result = Result(
        script.seed,
        script.condition,
        script.echo is not None,
        outcome.lasted_s,
        outcome.ended,
        turns,
        tuple((one.invariant, str(one)) for one in outcome.violations),
        measure(outcome, shared),
        happened,
    )
    return outcome, result


def run(plan: Plan, workers: int, told: Callable[[Batch], None]) -> None:
    """Play all calls of `plan`; `told` gets each batch when it is done, in any order.

    KeyboardInterrupt leaves the rest unplayed.
    """
    prepare(plan.cache_dir)  # once, so that workers find what was learnt
    chunks = list(_chunks(plan))
    if workers == 1:
        told_of = 0
        for chunk in chunks:
            batch = _play_all(plan, chunk)
            told(replace(batch, objects=batch.objects - told_of))
            told_of += _objects(batch.results)
        return
    with pool(workers) as processes:
        try:
            for done in as_completed(
                [processes.submit(_play_all, plan, chunk) for chunk in chunks]
            ):
                told(done.result())
        except KeyboardInterrupt:
            processes.shutdown(cancel_futures=True)
            raise


def _chunks(plan: Plan) -> Iterator[range]:
    end = plan.seed + plan.calls
    for first in range(plan.seed, end, CHUNK):
        yield range(first, min(first + CHUNK, end))


def _objects(results: Sequence[Result]) -> int:
    """How many objects they are; whoever is told of them keeps them in this process."""
    before = len(gc.get_objects())
    copy = deepcopy(results)
    made = len(gc.get_objects()) - before
    del copy
    return made


def _play_all(plan: Plan, seeds: Sequence[int]) -> Batch:
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # filters of 20 ms are far slower on many threads
        shared = prepare(plan.cache_dir)
        began = time.process_time()
        results = [play(plan.draw(seed), shared)[1] for seed in seeds]
        cpu_s = time.process_time() - began
    gc.collect()
    pid = multiprocessing.current_process().pid or 0
    understood = shared.read.cache_info().currsize
    return Batch(pid, results, cpu_s, len(gc.get_objects()) - kept() - understood)
