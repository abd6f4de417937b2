"""The same figures from the rig: simulated calls (`palabre sim`) over the bench's lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bench.turn_taking.callers import Condition
from server.sim.call import Shared, prepare, simulate
from server.sim.measures import measure
from server.sim.network import Network
from server.sim.script import draw
from server.talk.turn_taking import TurnTaking

__all__ = ["MINUTES", "rows"]

MINUTES = 2.0
NEAR = Network(0.002, 0.0005)
"""Loopback, as the bench's callers have it."""


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
    return measure(simulate(script, shared), shared)
