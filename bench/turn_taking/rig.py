"""The same figures from the rig: simulated calls (`palabre sim`) over the bench's lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bench.turn_taking.callers import Condition
from server.sim.call import Outcome, Shared, prepare, simulate
from server.sim.network import Network
from server.sim.script import draw
from server.talk.far_end import FarEnd
from server.talk.turn_taking import Said, Sounded, TurnTaking, judge

__all__ = ["MINUTES", "rows", "taken"]

MINUTES = 2.0
NEAR = Network(0.002, 0.0005)
"""Loopback, as the bench's callers have it."""

POLICED = frozenset({"terms", "eager"})
"""Steps of the rig's scenario that are never, or always, interrupted: not compared."""


def rows(conditions: Sequence[Condition], calls: int, seed: int) -> dict[str, TurnTaking]:
    """By condition: `calls` simulated ones of `MINUTES`, without faults."""
    shared = prepare()
    return {
        condition.name: sum(
            (_call(condition, seed * 1000 + number, shared) for number in range(calls)),
            TurnTaking(),
        )
        for condition in conditions
    }


def _call(condition: Condition, seed: int, shared: Shared) -> TurnTaking:
    script = replace(
        draw(seed, MINUTES),
        condition=condition.line,
        features="mark,clear,pause",
        network=NEAR,
        echo=condition.echo,
        hangs_up_s=MINUTES * 60,
        cloud=False,
    )
    return taken(simulate(script, shared), shared)


def taken(outcome: Outcome, shared: Shared) -> TurnTaking:
    """The turn-taking of a simulated call, but for what was said over lines of `POLICED` steps."""
    policed: set[int] = set()
    whole: set[int] = {run.turn for run in outcome.far.runs[-1:]}
    for _, message in outcome.messages:
        match message:
            case {"type": "reply", "turn": int(turn), "text": str(text)}:
                if shared.steps.get(text) in POLICED:
                    policed.add(turn)
            case {"type": "turn", "turn": int(turn), "interrupted": False}:
                whole.add(turn)
            case _:
                pass
    ms = 1000 / outcome.far.rate_hz
    said = [
        Said(one.kind, one.first * ms, one.last * ms, one.more)
        for one in outcome.said
        if one.turn not in policed
    ]
    return judge(said, list(_sounded(outcome.far)), whole)


def _sounded(far: FarEnd) -> Iterable[Sounded]:
    ms = 1000 / far.rate_hz
    for run in far.runs:
        yield Sounded(run.turn, run.start * ms, run.end * ms)
