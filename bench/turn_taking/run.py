"""A run: each engine in turn, with the same callers, one over each line at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.barge_in.account import Account
from bench.errors import ServerError
from bench.quiet import Cores, Quiet, watched
from bench.served import Served, free_port, served
from bench.turn_taking.callers import CONDITIONS, CallPlan, Condition, plan_call
from bench.turn_taking.engines import Engine, Kit
from bench.turn_taking.lines import lines
from bench.turn_taking.outcome import CallResult, Resumes, references, resumes, taken
from bench.turn_taking.person import LATEST_S, PATIENCE_S, Talker
from bench.turn_taking.voice import parts
from engine.clock import SystemClock
from server.talk.call import Call, CallError, Passed
from server.talk.turn_taking import TurnTaking

__all__ = ["Bench", "EngineResult", "measure", "result_of"]

SPREAD_S = 0.37
"""Between the beginnings of calls: they do not speak in step."""
SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Bench:
    """How the engines are run, and who calls: in each of `rounds`, one caller over every line of
    `conditions` for `seconds`."""

    kit: Kit
    seed: int
    rounds: int
    seconds: float
    cores: Cores
    log_directory: Path
    conditions: Sequence[Condition] = CONDITIONS

    def plans(self, number: int) -> list[CallPlan]:
        """The callers of a round: the same person over every line."""
        return [plan_call(self.seed + number, one, self.seconds) for one in self.conditions]


@dataclass(frozen=True, slots=True)
class EngineResult:
    """What an engine made of the callers. `conditions` is by their names."""

    engine: Engine
    calls: Sequence[CallResult]
    conditions: dict[str, TurnTaking]
    resumes: Resumes
    quiet: Sequence[Quiet] = field(default=())

    def whole(self) -> TurnTaking:
        """Over all lines."""
        return sum(self.conditions.values(), TurnTaking())


async def measure(
    bench: Bench,
    engines: Sequence[Engine],
    *,
    began: Callable[[Engine, int], None],
    told: Callable[[EngineResult], None],
) -> list[EngineResult]:
    """Measure the engines, one after the other.

    Raises ServerError if one does not start or fails. Cancelling ends it.
    """
    await asyncio.to_thread(_speak_all, bench)
    results = []
    for engine in engines:
        port = free_port()
        calls: list[CallResult] = []
        quiet: list[Quiet] = []
        async with served(
            engine.command(bench.kit, port),
            name=engine.name,
            port=port,
            core=bench.cores.server,
            log_path=bench.log_directory / f"turn_taking_{engine.name}.log",
        ) as process:
            await asyncio.sleep(SETTLE_S)
            for number in range(bench.rounds):
                began(engine, number)
                made, how_quiet = await _round(bench, engine, number, process)
                calls += made
                quiet.append(how_quiet)
        results.append(result_of(engine, calls, quiet))
        told(results[-1])
    return results


def _speak_all(bench: Bench) -> None:
    """Make all sounds before the first call: they take time that a caller does not have."""
    for number in range(bench.rounds):
        for plan in bench.plans(number):
            line = plan.condition.line
            for reply in plan.replies:
                for text in (*reply.texts.values(), *([reply.cough] if reply.cough else [])):
                    parts(text, plan.voice, line)
            for over in (over for overs in plan.overs for over in overs):
                parts(over.text, plan.voice, line)


async def _round(
    bench: Bench, engine: Engine, number: int, process: Served
) -> tuple[list[CallResult], Quiet]:
    limit_s = bench.seconds + LATEST_S + PATIENCE_S + len(bench.conditions) * SPREAD_S
    try:
        async with (
            watched(process.pid, bench.cores) as quiet,
            asyncio.timeout(limit_s),
            asyncio.TaskGroup() as group,
        ):
            tasks = [
                group.create_task(_call(engine.url(process.port, plan.condition), plan, index))
                for index, plan in enumerate(bench.plans(number))
            ]
    except* CallError as errors:
        raise ServerError(f"{errors.exceptions[0]}\n{process.log_tail()}") from errors
    except* TimeoutError:
        raise ServerError(
            f"the calls did not end within {limit_s:.0f} s; see {process.log_path}"
        ) from None
    return [task.result() for task in tasks], quiet.result()


async def _call(url: str, plan: CallPlan, index: int) -> CallResult:
    await asyncio.sleep(index * SPREAD_S)
    said = lines()
    person = Talker(
        plan,
        {line.sentences[0]: line.asks for line in said},
        frozenset(line.sentences[0] for line in said if line.passage),
    )
    account = Account()
    lasts_ms: dict[int, float] = {}
    told: list[tuple[float, str, str]] = []

    def watch(passed: Passed) -> None:
        account.passed(passed.message, passed.at_s)
        match passed.message:
            case {"type": "reply", "turn": int(turn), "ms": float(ms)}:
                lasts_ms[turn] = ms
            case {"type": "state", "state": str(state)}:
                told.append((passed.at_s * 1000, "state", state))
            case {"type": "transcript", "text": str(text), "final": True}:
                told.append((passed.at_s * 1000, "final", text))
            case _:
                pass

    call = Call(
        url,
        person,
        SystemClock(),
        watch=watch,
        received=account.received,
        rate_hz=plan.condition.rate_hz,
    )
    await call.run()
    assert call.far is not None
    return CallResult(plan.condition, plan.seed, person.said, call.far, account, lasts_ms, told)


def result_of(
    engine: Engine, calls: Sequence[CallResult], quiet: Sequence[Quiet] = ()
) -> EngineResult:
    """From calls that have ended."""
    conditions: dict[str, TurnTaking] = {}
    for call in calls:
        name = call.condition.name
        conditions[name] = conditions.get(name, TurnTaking()) + taken(call)
    known = references(calls)
    exact = sum((resumes(call, known) for call in calls), Resumes())
    return EngineResult(engine, calls, conditions, exact, quiet)
