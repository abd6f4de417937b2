"""The bench's callers in virtual time, with the real recogniser."""

import pytest

from bench.turn_taking.callers import CONDITIONS, plan_call
from bench.turn_taking.outcome import CallResult, taken
from bench.turn_taking.rig import Rig, rows
from pipelines.speech.models.installed import DEMO

CLEAN, ECHO = CONDITIONS[0], CONDITIONS[-1]


@pytest.fixture(scope="module")
def rig() -> Rig:
    return Rig.prepare(DEMO)


def _events(call: CallResult) -> object:
    return call.as_json()


@pytest.mark.integration
def test_a_seed_is_the_same_call_every_time(rig: Rig) -> None:
    plan = plan_call(1, CLEAN, 25.0)
    first = rig.call(plan)
    assert taken(first).response_ms
    assert _events(rig.call(plan)) == _events(first)


@pytest.mark.integration
def test_an_echo_is_not_taken_for_the_caller(rig: Rig) -> None:
    found = taken(rig.call(plan_call(1, ECHO, 25.0)))
    assert found.response_ms
    assert found.lost <= 1  # while the echo is not known, something said over it may cost the turn
    assert found.cut_off_rate == 0
    assert max(found.response_ms) < 1000


@pytest.mark.integration
def test_rows_are_by_condition() -> None:
    found = rows([CLEAN], 1, 1, 12.0, DEMO)
    assert found.keys() == {"clean"}
    assert found["clean"].turns
