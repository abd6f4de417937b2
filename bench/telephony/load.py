"""Many calls: at once, and ended in every way that calls end."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Sequence
from dataclasses import dataclass

from bench.quiet import Quiet, watched
from bench.served import Served
from bench.sip.agent import Agent
from bench.sip.call import CallRefused
from bench.telephony.caller import Caller, Said
from bench.telephony.lines import wire_up
from bench.telephony.rig import Rig, engine, settled
from bench.telephony.sound import Reply, replies

__all__ = ["Chaos", "Density", "measure_chaos", "measure_density", "undisturbed"]

ANSWER_S = 15.0
WHOLE_S = 2.9
"""Of a reply of three seconds that was not cut short by anybody."""
DECIDES_S = 0.2
"""The engine answers 240 ms after he has finished, unless it took a pause of his for the end."""


@dataclass(frozen=True, slots=True)
class Density:
    """`calls` at once: `refused` of them, their whole replies, seconds until nothing was left of
    any, and what was left."""

    calls: int
    refused: int
    replies: Sequence[Reply]
    cut: int
    """Replies that were shorter than they should be."""
    lost_packets: int
    caller_late_ms: float
    """The most that a packet of a caller's left after its time: more is not the engine's doing."""
    gone_s: float
    left: Sequence[str]
    quiet: Quiet


async def measure_density(rig: Rig, words: Said, *, calls: int, hold_s: float) -> Density:
    """`calls` callers at once, each of whom converses for `hold_s`."""
    callers = [Caller(words) for _ in range(calls)]
    refused = 0
    lost, late_s = 0, 0.0
    async with engine(rig, name="density") as process:

        async def one(agent: Agent, number: int) -> None:
            nonlocal refused, lost, late_s
            await asyncio.sleep(number * 0.05)  # 20 calls a second
            call = agent.dial(rig.uri, caller=str(1000 + number))
            wire_up(call, callers[number])
            try:
                await call.answered()
            except CallRefused:
                refused += 1
                return
            await asyncio.sleep(hold_s)
            call.hang_up()
            await call.ended()
            lost += call.ear.lost
            late_s = max(late_s, call.late_s)

        async with (
            watched(process.pid, rig.plan.cores, beside=rig.asterisk.pid) as quiet,
            Agent() as agent,
            asyncio.TaskGroup() as group,
        ):
            for number in range(calls):
                group.create_task(one(agent, number))
        gone_s, left = await settled(rig, process)
    whole = [reply for caller in callers for reply in undisturbed(caller)]
    cut = sum(reply.lasts_s < WHOLE_S for reply in whole)
    return Density(calls, refused, whole, cut, lost, late_s * 1000, gone_s, left, quiet.result())


def undisturbed(caller: Caller) -> list[Reply]:
    """The replies that he let the engine say: not the last one, which he hung up on, and none that
    began while he still spoke, which the engine holds until it knows what he wants."""
    return [
        reply
        for reply in replies(caller.heard)[:-1]
        if not any(
            first < reply.ended and reply.begun < last + DECIDES_S for first, last in caller.spoken
        )
    ]


@dataclass(frozen=True, slots=True)
class Chaos:
    """`calls` that were hung up at random moments, `up` of them answered before; the engine was
    killed `killed` times meanwhile, with `orphans` channels and bridges standing each time."""

    calls: int
    up: int
    killed: int
    orphans: Sequence[int]
    gone_s: float
    left: Sequence[str]
    unended: int


async def measure_chaos(rig: Rig, words: Said, *, calls: int, kills: int, seed: int) -> Chaos:
    """Rounds of calls; at the end of each but the last the engine is killed among them."""
    chance = random.Random(seed)
    rounds = kills + 1
    up = unended = 0
    orphans: list[int] = []

    async def one(agent: Agent, wait_s: float, hold_s: float | None) -> None:
        nonlocal up
        await asyncio.sleep(wait_s)
        call = agent.dial(rig.uri)
        wire_up(call, Caller(words))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(hold_s):
                await call.ended()
        up += call.answered_at is not None
        call.hang_up()
        await call.ended()

    async with Agent() as agent:
        tasks: list[asyncio.Task[None]] = []
        for number in range(rounds):
            async with engine(rig, name=f"chaos-{number}") as process:
                begun = calls * (number + 1) // rounds - calls * number // rounds
                for _ in range(begun):
                    # Before, while and after it is answered; a tenth waits to be hung up on.
                    hold_s = chance.choice([0.01, 0.1, 1.0, 3.0]) * chance.random()
                    kept = number < kills and chance.random() < 0.1
                    wait_s = chance.uniform(0.0, 3.0)
                    tasks.append(asyncio.create_task(one(agent, wait_s, None if kept else hold_s)))
                await asyncio.sleep(chance.uniform(1.5, 3.0))
                if number < kills:
                    orphans.append(await _kill(rig, process))
                    continue
                _, waiting = await asyncio.wait(tasks, timeout=ANSWER_S)
                unended = len(waiting)
                gone_s, left = await settled(rig, process)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.result()
    return Chaos(calls, up, kills, orphans, gone_s, left, unended)


async def _kill(rig: Rig, process: Served) -> int:
    """End the engine without a word; how many channels and bridges stand just then."""
    process.process.kill()
    await asyncio.to_thread(process.process.wait)
    return len(await asyncio.to_thread(rig.asterisk.left))
