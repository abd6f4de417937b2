"""A run: one server, one call after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import BenchError, ServerError
from bench.quiet import Cores, again_where_disturbed, watched
from bench.response.callers import CallPlan
from bench.response.person import make_person
from bench.response.turns import CallResult, result_of
from bench.served import HOST, free_port, served
from engine.clock import SystemClock
from engine.errors import ConfigurationError
from scenarios import find
from scenarios.script import load
from server.talk.call import Call, CallError
from server.talk.plan import load_plan, steps_of

__all__ = ["SCENARIO", "Bench", "measure_calls", "voices"]

SCENARIO = "leads"
LONGEST_S = 90.0
"""Twice what a call takes in which nothing is understood at first."""
SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Bench:
    """How the server is run, and who calls."""

    palabre: tuple[str, ...]
    vad: str
    seed: int
    cores: Cores
    log_directory: Path


def voices() -> tuple[str, ...]:
    """The callers' voices."""
    script = load(find(SCENARIO))
    try:
        return load_plan(find(SCENARIO).with_name("caller.yaml"), script.language).voices
    except ConfigurationError as error:
        raise BenchError(str(error)) from None


async def measure_calls(
    bench: Bench,
    plans: Sequence[CallPlan],
    *,
    budget_s: float,
    began: Callable[[CallPlan], None],
    told: Callable[[CallPlan, CallResult], None],
) -> list[CallResult]:
    """Make every call of `plans`, then the disturbed ones again while `budget_s` has room.

    Raises ServerError if the server does not start or fails. Cancelling ends it.
    """
    steps, ends = steps_of(load(find(SCENARIO)))
    port = free_port()
    command = [*bench.palabre, "serve", "--port", str(port), "--vad", bench.vad]
    started_s = asyncio.get_running_loop().time()
    async with served(
        command,
        name="palabre",
        port=port,
        core=bench.cores.server,
        log_path=bench.log_directory / "response.log",
    ) as process:
        await asyncio.sleep(SETTLE_S)

        async def one(plan: CallPlan) -> CallResult:
            began(plan)
            person = await asyncio.to_thread(make_person, plan, steps, ends, seed=bench.seed)
            rate_hz = plan.condition.rate_hz
            query = f"scenario={SCENARIO}&rate={rate_hz}&features=mark,clear,pause"
            url = f"ws://{HOST}:{port}/media?{query}"
            call = Call(url, person, SystemClock(), rate_hz=rate_hz)
            arrived_s: dict[int, float] = {}

            def received(pcm: bytes) -> None:
                if call.far is not None:
                    arrived_s.setdefault(call.far.turn, call.clock.now() - call.far.start)

            call.received = received
            try:
                async with watched(process.pid, bench.cores) as quiet, asyncio.timeout(LONGEST_S):
                    await call.run()
            except CallError as error:
                raise ServerError(f"{error}\n{process.log_tail()}") from error
            except TimeoutError:
                raise ServerError(
                    f"call {plan.number} did not end within {LONGEST_S:.0f} s; "
                    f"see {process.log_path}"
                ) from None
            return result_of(plan, call, arrived_s, quiet.result())

        spent_s = asyncio.get_running_loop().time() - started_s
        return await again_where_disturbed(plans, one, budget_s=budget_s - spent_s, told=told)
