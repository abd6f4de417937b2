"""The same figures from the rig: simulated calls (`palabre sim`) over the bench's lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from bench.turn_taking.callers import Condition
from pipelines.audio.resample import RATE_HZ
from server.sim.call import Outcome, Shared, prepare, simulate
from server.sim.caller import Said as SimSaid
from server.sim.network import Network
from server.sim.script import draw
from server.sim.sounds import whole_sound
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
    """The turn-taking of a simulated call, but for what was said over lines of `POLICED` steps and
    over questions, where "oui" may be the answer."""
    far, ms = outcome.far, 1000 / outcome.far.rate_hz
    lines: defaultdict[int, list[str]] = defaultdict(list)
    whole: set[int] = {run.turn for run in far.runs[-1:]}
    for _, message in outcome.messages:
        match message:
            case {"type": "reply", "turn": int(turn), "text": str(text)}:
                lines[turn].append(text)
            case {"type": "turn", "turn": int(turn), "interrupted": False}:
                whole.add(turn)
            case _:
                pass

    def is_clear(one: SimSaid) -> bool:
        said = lines[one.turn]
        if one.kind == "answer" or not said:
            return True
        statement = sum(len(whole_sound(text)) for text in said[:-1]) // 2 * far.rate_hz // RATE_HZ
        runs = [run for run in far.runs if run.turn == one.turn]
        played = sum(max(0, min(run.end, one.first) - run.start) for run in runs)
        return played < statement and not any(shared.steps.get(text) in POLICED for text in said)

    said = [
        Said(one.kind, one.first * ms, one.last * ms, one.more)
        for one in sorted(outcome.said, key=lambda one: one.first)
        if is_clear(one)
    ]
    return judge(said, list(_sounded(far)), whole)


def _sounded(far: FarEnd) -> Iterable[Sounded]:
    ms = 1000 / far.rate_hz
    for run in far.runs:
        yield Sounded(run.turn, run.start * ms, run.end * ms)
