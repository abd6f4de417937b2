import json
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.budget import MARKS, LatencyBudget, Mark
from engine.ladder import StepDown
from engine.turn import TRANSITIONS, State, StateMachine, Turn

EVENTS = sorted({event for _, event in TRANSITIONS})


def machine_in(state: State, seen: list[State]) -> StateMachine:
    machine = StateMachine(seen.append)
    machine.state = state
    return machine


@pytest.mark.parametrize(("state", "event"), list(product(State, EVENTS)))
def test_every_step_is_in_the_table_or_a_fault(state: State, event: str) -> None:
    seen: list[State] = []
    machine = machine_in(state, seen)
    if (state, event) not in TRANSITIONS:
        assert not machine.can(event)
        with pytest.raises(KeyError):
            machine.step(event)
        assert machine.state is state
        assert seen == []
        return
    new = TRANSITIONS[state, event]
    assert machine.can(event)
    machine.step(event)
    assert machine.state is new
    assert seen == ([] if new is state else [new]), "told of changes, and only of those"


def test_it_begins_by_listening() -> None:
    assert StateMachine(lambda state: None).state is State.LISTENING


def test_every_state_can_be_reached_and_closed_is_final() -> None:
    assert set(TRANSITIONS.values()) == set(State)
    assert {state for state, event in TRANSITIONS if event == "close"} == set(State) - {
        State.CLOSED
    }
    assert not [step for step in TRANSITIONS if step[0] is State.CLOSED]
    assert {new for (_, event), new in TRANSITIONS.items() if event == "close"} == {State.CLOSED}


def test_only_the_first_time_of_a_mark_counts() -> None:
    seen: list[Mark] = []
    turn = Turn(1)
    turn.mark(Mark.SPEECH_END, 1.0)
    turn.on_mark = seen.append
    turn.mark(Mark.SPEECH_END, 2.0)
    turn.mark(Mark.ENDPOINT, 3.0)
    turn.mark(Mark.ENDPOINT, 4.0)
    assert turn.marks == {Mark.SPEECH_END: 1.0, Mark.ENDPOINT: 3.0}
    assert seen == [Mark.ENDPOINT]


def test_said_grows_by_what_was_acknowledged() -> None:
    turn = Turn(1, lines=["Bonjour.", "Ça va ?"])
    assert turn.said == ""
    turn.say("Bonjour.")
    turn.say("Ça va ?")
    assert turn.said == "Bonjour. Ça va ?"


def test_the_ledger() -> None:
    turn = Turn(3, heard="oui", intent="yes", confidence=0.98765, interrupted=True)
    turn.say("Très bien.")
    turn.steps_down.append(StepDown("cloud", "late"))
    for mark, at in ((Mark.SPEECH_END, 10.0), (Mark.ENDPOINT, 10.2512344), (Mark.TRANSCRIPT, 10.4)):
        turn.mark(mark, at)
    assert turn.ledger(LatencyBudget()) == {
        "turn": 3,
        "heard": "oui",
        "intent": "yes",
        "confidence": 0.988,
        "said": "Très bien.",
        "interrupted": True,
        "marks": {"speech_end": 0.0, "endpoint": 251.234, "transcript": 400.0},
        "spans": {"endpointing": 251.234, "transcription": 148.766},
        "gap_ms": 400.0,
        "over": {"endpointing": 1.234, "transcription": 48.766},
        "steps_down": [{"left": "cloud", "why": "late"}],
    }


def test_a_turn_in_which_nothing_happened_has_a_ledger() -> None:
    ledger = Turn(1).ledger(LatencyBudget())
    assert (ledger["marks"], ledger["spans"], ledger["gap_ms"]) == ({}, {}, 0)
    assert ledger["confidence"] is None


@given(
    marks=st.dictionaries(st.sampled_from(MARKS), st.floats(0, 1e5).map(lambda at: round(at, 3)))
)
def test_the_ledger_is_json_and_adds_up(marks: dict[Mark, float]) -> None:
    turn = Turn(1, marks=marks)
    ledger = turn.ledger(LatencyBudget())
    assert json.loads(json.dumps(ledger)) == ledger
    assert ledger["gap_ms"] == pytest.approx(max(ledger["marks"].values(), default=0.0), abs=0.01)
    assert sum(ledger["spans"].values()) == pytest.approx(ledger["gap_ms"], abs=0.01)
    assert list(ledger["marks"]) == [str(mark) for mark in MARKS if mark in marks]


def test_the_answer_begins_once_after_its_filler() -> None:
    turn = Turn(1)
    seen: list[Mark] = []
    turn.on_mark = seen.append
    turn.begin_answer()
    turn.bridging = True
    turn.mark(Mark.FIRST_PLAYED, 1.0)
    turn.begin_answer()
    turn.begin_answer()
    assert seen == [Mark.FIRST_PLAYED] * 2
    turn.on_mark = None
    turn.bridging = True
    turn.begin_answer()
    assert not turn.bridging
