"""A run: one server, and the phases one after the other."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.barge_in.account import Account
from bench.barge_in.callers import CallPlan, Phase, plan_calls
from bench.barge_in.outcome import CallResult, PhaseResult, Samples, outcome, references, samples
from bench.barge_in.person import Interrupter, make_person
from bench.errors import ServerError
from bench.quiet import Cores, Quiet, again_where_disturbed, watched
from bench.served import HOST, Served, free_port, served
from engine.clock import SystemClock
from server.talk.call import Call, CallError, Passed

__all__ = ["SCENARIO", "Bench", "measure_phases", "result_of"]

SCENARIO = Path(__file__).with_name("scenario.yaml")
SPREAD_S = 0.37
"""Between the beginnings of calls: they do not speak in step."""
SETTLE_S = 0.5
TRIAL_S = 12.0
"""The longest that one trial takes, with the turn around it."""


@dataclass(frozen=True, slots=True)
class Bench:
    """How the server is run, and who calls."""

    palabre: tuple[str, ...]
    vad: str
    seed: int
    voices: tuple[str, ...]
    interruptions: int
    backchannels: int
    cores: Cores
    log_directory: Path


async def measure_phases(
    bench: Bench,
    phases: Sequence[Phase],
    *,
    budget_s: float,
    began: Callable[[Phase], None],
    told: Callable[[Phase, PhaseResult], None],
) -> list[PhaseResult]:
    """Measure every phase, then the disturbed ones again while `budget_s` has room.

    Raises ServerError if the server does not start or fails. Cancelling ends it.
    """
    port = free_port()
    command = [*bench.palabre, "serve", "--port", str(port), "--vad", bench.vad]
    command += ["--scenario", str(SCENARIO)]
    started_s = asyncio.get_running_loop().time()
    async with served(
        command,
        name="palabre",
        port=port,
        core=bench.cores.server,
        log_path=bench.log_directory / "barge_in.log",
    ) as process:
        await asyncio.sleep(SETTLE_S)

        async def one(phase: Phase) -> PhaseResult:
            began(phase)
            return await _phase(bench, phase, process)

        spent_s = asyncio.get_running_loop().time() - started_s
        return await again_where_disturbed(phases, one, budget_s=budget_s - spent_s, told=told)


async def _phase(bench: Bench, phase: Phase, process: Served) -> PhaseResult:
    plans = plan_calls(
        phase,
        bench.voices,
        interruptions=bench.interruptions,
        backchannels=bench.backchannels,
        seed=bench.seed,
    )
    people = [await asyncio.to_thread(make_person, plan) for plan in plans]
    url = f"ws://{HOST}:{process.port}/media?features={phase.features}"
    limit_s = TRIAL_S * (bench.interruptions + bench.backchannels) + 2 * TRIAL_S
    try:
        async with (
            watched(process.pid, bench.cores) as quiet,
            asyncio.timeout(limit_s),
            asyncio.TaskGroup() as group,
        ):
            tasks = [
                group.create_task(_call(url, plan, person))
                for plan, person in zip(plans, people, strict=True)
            ]
    except* CallError as errors:
        raise ServerError(f"{errors.exceptions[0]}\n{process.log_tail()}") from errors
    except* TimeoutError:
        raise ServerError(
            f"the calls did not end within {limit_s:.0f} s; see {process.log_path}"
        ) from None
    return result_of(phase, [task.result() for task in tasks], quiet.result())


async def _call(url: str, plan: CallPlan, person: Interrupter) -> CallResult:
    await asyncio.sleep((plan.number - 1) * SPREAD_S)
    account = Account()

    def watch(passed: Passed) -> None:
        account.passed(passed.message, passed.at_s)

    call = Call(url, person, SystemClock(), watch=watch, received=account.received)
    await call.run()
    assert call.far is not None
    return CallResult(tuple(person.tried), len(plan.trials), call.far, account)


def result_of(phase: Phase, calls: Sequence[CallResult], quiet: Quiet) -> PhaseResult:
    """From calls that have ended."""
    known = references(calls)
    outcomes = [outcome(tried, call.far, call.account) for call in calls for tried in call.tried]
    result = PhaseResult(
        phase=phase,
        outcomes=outcomes,
        missed=sum(call.planned - len(call.tried) for call in calls),
        samples=sum((samples(call, known) for call in calls), Samples()),
        sent_after_cancel=sum(call.account.sent_after_cancel for call in calls),
        sent_while_paused=sum(call.account.sent_while_paused for call in calls),
        quiet=quiet,
    )
    return dataclasses.replace(result, problems=_problems(result))


def _problems(result: PhaseResult) -> list[str]:
    """What is wrong, in words."""
    counted = {
        "trials could not be made": result.missed,
        "messages of a cancelled turn after its end": result.sent_after_cancel,
        "messages of sound during a pause": result.sent_while_paused,
        "turns with a wrong sample": result.samples.wrong,
    }
    return [
        *(f"{count} {what}" for what, count in counted.items() if count),
        *result.quiet.problems(),
    ]
