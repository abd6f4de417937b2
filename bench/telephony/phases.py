"""The measurements, each with an engine of its own at one Asterisk."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from bench.errors import BenchError
from bench.served import HOST
from bench.sip.agent import Agent
from bench.telephony.caller import Caller, Said
from bench.telephony.lines import on_sip, on_websocket
from bench.telephony.relay import relayed
from bench.telephony.rig import Rig, engine
from bench.telephony.sound import MOST_TAIL_MS, first_sound, last_sound
from bench.telephony.waiting import until

__all__ = [
    "Clearing",
    "Greeting",
    "Response",
    "measure_clearing",
    "measure_greeting",
    "measure_response",
    "waits_ms",
]

GREETING_S = 3.0
"""``--speech null`` says three seconds at a time."""
TURN_S = 20.0
"""The longest that a turn may take: one that does takes the whole phase with it."""


@dataclass(frozen=True, slots=True)
class Response:
    """Milliseconds from the caller's last sound to the engine's first, turn by turn."""

    sip_ms: Sequence[float]
    websocket_ms: Sequence[float]


async def measure_response(rig: Rig, words: Said, *, turns: int) -> Response:
    """Two calls at the same time, through Asterisk and on a bare WebSocket, with the same words."""
    async with engine(rig, name="response") as process, Agent() as agent:
        sip, bare = Caller(words), Caller(words)
        url = f"ws://{HOST}:{process.port}/media"
        async with on_sip(agent, rig.uri, sip):
            # Half a turn apart: neither waits for what the other's turn costs.
            await asyncio.sleep(GREETING_S / 2)
            async with on_websocket(url, bare):
                await _turns((sip, bare), turns)
    return Response(waits_ms(sip, turns), waits_ms(bare, turns))


async def _turns(callers: Sequence[Caller], turns: int) -> None:
    """Wait until each has been answered `turns` times."""
    await until(
        lambda: all(_answered(caller) >= turns for caller in callers),
        turns * TURN_S,
        "an answer to every turn",
    )


def _answered(caller: Caller) -> int:
    """How many of his turns have been answered."""
    if not caller.spoken:
        return 0
    last = caller.spoken[-1][1]
    return len(caller.spoken) - (first_sound(caller.heard[-100:], last) is None)


def waits_ms(caller: Caller, turns: int) -> list[float]:
    """From the caller's last sound to the engine's first, for the first `turns` turns."""
    found = []
    for _, last in caller.spoken[:turns]:
        first = first_sound(caller.heard, last)
        if first is not None:
            found.append((first - last) * 1000)
    return found


@dataclass(frozen=True, slots=True)
class Greeting:
    """Milliseconds from the answer to the first sound of the greeting, call by call."""

    waits_ms: Sequence[float]


async def measure_greeting(rig: Rig, words: Said, *, calls: int) -> Greeting:
    """Calls one after the other, each hung up once the greeting is heard."""
    found = []
    async with engine(rig, name="greeting"), Agent() as agent:
        for _ in range(calls):
            caller = Caller(words)
            async with on_sip(agent, rig.uri, caller) as call:
                assert call.answered_at is not None
                found.append((await _heard(caller, call.answered_at) - call.answered_at) * 1000)
            await asyncio.sleep(0.1)
    return Greeting(found)


@dataclass(frozen=True, slots=True)
class Clearing:
    """One interruption. `silent_ms`: from the caller's first sound to the last packet of the old
    turn; `decided_ms`: to the decision, which is FLUSH_MEDIA on its way to Asterisk. `after` is how
    many packets of the old turn came after that.

    `tail_ms` is what Asterisk's resampler from 16 kHz to the telephone's 8 had in it, and lets out
    at the head of the next packet, whatever that is of.
    """

    silent_ms: float
    decided_ms: float
    after: int
    tail_ms: float


async def measure_clearing(rig: Rig, words: Said, *, tries: int, seed: int) -> list[Clearing]:
    """One caller interrupts every reply, at a moment of its own."""
    chance = random.Random(seed)
    found: list[Clearing] = []
    async with (
        relayed(rig.asterisk.ports.http) as commands,
        engine(rig, name="clearing", ari_port=commands.port),
        Agent() as agent,
    ):
        caller = Caller(words, think_s=TURN_S)
        async with on_sip(agent, rig.uri, caller) as call:
            after = call.answered_at or 0.0
            for _ in range(2 * tries):
                await _heard(caller, after)
                await asyncio.sleep(chance.uniform(0.3, 1.5))
                known, count = len(commands.seen), len(caller.spoken)
                caller.say()
                await until(partial(_spoken_more, caller, count), TURN_S, "what he says")
                first, after = caller.spoken[-1]
                result = _cleared(caller, first, after, commands.seen[known:])
                found += [result] if result is not None else []
                if len(found) == tries:
                    break
    return found


def _cleared(
    caller: Caller, first: float, last: float, seen: Sequence[tuple[float, str]]
) -> Clearing | None:
    """The interruption that was said from `first` to `last`, with what the engine told Asterisk
    since; None where it was not taken for one: what interrupts is another bench's subject."""
    flushes = [at for at, command in seen if command == "FLUSH_MEDIA"]
    # To clear is to pause, ask, flush and go on; a new turn's beginning flushes only.
    cleared = [
        at
        for (_, before), (at, command) in pairwise(seen)
        if (before, command) == ("GET_STATUS", "FLUSH_MEDIA")
    ]
    if not cleared or cleared[0] > last:
        return None
    decided = cleared[0]
    stopped = last_sound(caller.heard, decided)
    if stopped is None:
        raise BenchError("nothing was heard of what was interrupted")
    until_s = min([at for at in flushes if at > decided] + [last])
    sounds_ms = [piece.loud_ms() for piece in caller.heard if decided < piece.at <= until_s]
    return Clearing(
        (stopped - first) * 1000,
        (decided - first) * 1000,
        sum(ms >= MOST_TAIL_MS for ms in sounds_ms),
        max((ms for ms in sounds_ms if ms < MOST_TAIL_MS), default=0.0),
    )


def _spoken_more(caller: Caller, count: int) -> bool:
    return len(caller.spoken) > count


async def _heard(caller: Caller, after: float) -> float:
    """When the engine's voice began after `after`."""

    def first() -> float | None:
        return first_sound(caller.heard[-100:], after)

    await until(lambda: first() is not None, TURN_S, "the engine's voice")
    found = first()
    assert found is not None
    return found
