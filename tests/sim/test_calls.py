"""Whole calls: every invariant holds, and a seed is the same call every time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.sim.call import Outcome, Shared, simulate
from server.sim.network import Network
from server.sim.script import Fault, Script, draw

MINUTES = 0.75


def _passed(outcome: Outcome) -> list[object]:
    return [outcome.messages, outcome.far.runs, outcome.said, outcome.lasted_s, outcome.ended]


@pytest.mark.parametrize("seed", range(1, 13))
def test_every_invariant_holds(shared: Shared, seed: int) -> None:
    assert [str(one) for one in simulate(draw(seed, MINUTES), shared).violations] == []


@pytest.mark.parametrize("seed", range(1, 25))
def test_every_invariant_holds_when_things_fail(shared: Shared, seed: int) -> None:
    script = draw(seed, MINUTES, faults=True)
    assert [str(one) for one in simulate(script, shared).violations] == []


def test_a_seed_replays_exactly(shared: Shared) -> None:
    script = draw(7, MINUTES, faults=True)
    assert draw(7, MINUTES, faults=True) == script
    first = _passed(simulate(script, shared))
    simulate(draw(8, MINUTES, faults=True), shared)  # nothing of it stays behind
    assert _passed(simulate(script, shared)) == first


def test_another_seed_is_another_call(shared: Shared) -> None:
    assert _passed(simulate(draw(1, 0.2), shared)) != _passed(simulate(draw(2, 0.2), shared))


def test_a_call_is_a_conversation(shared: Shared) -> None:
    """Someone without any trouble is heard, answered and understood."""
    script = _plain(draw(1, 1.0))
    outcome = simulate(script, shared)
    assert outcome.violations == []
    ledgers = [message for _, message in outcome.messages if message["type"] == "turn"]
    answers = [one for one in outcome.said if one.kind == "answer" and not one.more]
    assert len(answers) >= 4
    assert len(ledgers) >= len(answers)
    understood = [ledger for ledger in ledgers if ledger["intent"] is not None]
    assert understood
    assert outcome.far.runs[-1].end > 40 * script.rate_hz


def test_nobody_waits_on_a_dead_line_for_the_store(shared: Shared) -> None:
    """The engine hangs up after silence; the store does not answer until long after."""
    script = _plain(draw(1, 2.0))
    mute = tuple(replace(reply, what="nothing") for reply in script.replies)
    gone = Fault("store", "hang", 5.0, 600.0)
    outcome = simulate(replace(script, replies=mute, faults=(gone,)), shared)
    assert outcome.violations == []
    hung_up_s = next(at for at, message in outcome.messages if message["type"] == "hangup")
    closed_s = next(
        at
        for at, message in outcome.messages
        if message["type"] == "state" and message["state"] == "closed"
    )
    assert hung_up_s == closed_s < outcome.lasted_s - 20


def _plain(script: Script) -> Script:
    return replace(
        script,
        condition="clean",
        network=Network(),
        echo=None,
        strays=(),
        over=(None,),
        replies=tuple(replace(reply, what="answer", think_s=0.5) for reply in script.replies),
        hangs_up_s=script.minutes * 60,
    )
