import copy
import dataclasses
import json
import math
from typing import get_args

import pytest

from engine.flow import (
    Effect,
    Event,
    Flow,
    Question,
    Record,
    Signal,
    Silent,
    Started,
    Think,
    Understanding,
    Understood,
)
from engine.frames import Connect, Dtmf, Hangup, Recording, Say, Transfer
from tests.engine.conversation import Echo


@pytest.mark.parametrize("confidence", [-0.01, 1.01, math.nan, math.inf])
def test_confidence_is_a_share(confidence: float) -> None:
    with pytest.raises(ValueError, match="not within 0 and 1"):
        Understanding("yes", confidence, "examples")


@pytest.mark.parametrize("confidence", [0.0, 0.5, 1.0])
def test_an_understanding(confidence: float) -> None:
    understanding = Understanding(None, confidence, "examples")
    assert not understanding.negated
    assert understanding.slots == {}


def test_the_unions_are_closed() -> None:
    assert set(get_args(Event)) == {Started, Understood, Silent, Dtmf, Signal}
    acts = {Transfer, Connect, Recording}
    assert set(get_args(Effect)) == {Say, Think, Record, Hangup} | acts


@pytest.mark.parametrize(
    "value",
    [
        Understanding("yes", 1.0, "examples"),
        Question("q1"),
        Started(),
        Understood("oui", Understanding("yes", 1.0, "examples")),
        Silent(1),
        Record("answer"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_goes_in_and_out_of_a_flow_is_frozen(value: object) -> None:
    assert dataclasses.is_dataclass(value)
    assert not hasattr(value, "__dict__")
    for field in dataclasses.fields(value):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, None)


@pytest.mark.parametrize("event", [Started(), Silent(1), Dtmf("1", 0.0)])
def test_a_step_changes_no_state_and_its_states_are_json(event: Event) -> None:
    flow: Flow = Echo()
    state = flow.start()
    before = copy.deepcopy(state)
    new, _ = flow.step(state, event)
    assert state == before
    assert json.loads(json.dumps(new)) == new
    assert flow.step(state, event)[0] == new
    assert flow.question(new).barge_in == "polite"
