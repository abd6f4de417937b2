"""Asking again: in other words, never the same line twice in a row, and by keys."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.flow import Effect, Event, FlowState, Silent, Started, Understanding, Understood
from engine.frames import DTMF_DIGITS, Dtmf, Hangup, Say
from scenarios import find
from scenarios.script import ScriptFlow, load
from tests.scenarios.test_reading import NUMBER, SCENARIO, WORDS, written

LEADS = ScriptFlow(load(find("leads")))
HELLO = LEADS.script.steps["hello"]


def understood(intent: str | None, text: str = "words", **slots: Any) -> Understood:
    return Understood(text, Understanding(intent, 0.9, "test", slots))


def played(
    flow: ScriptFlow, *events: Event, seed: str = "s1"
) -> tuple[FlowState, tuple[Effect, ...]]:
    state, effects = flow.step(flow.start(), Started(seed))
    for event in events:
        state, effects = flow.step(state, event)
    return state, effects


def said(effects: tuple[Effect, ...]) -> list[str]:
    return [effect.text for effect in effects if isinstance(effect, Say)]


def pressed(keys: str) -> list[Event]:
    return [Dtmf(key, 0.0) for key in keys]


# In other words


def test_each_attempt_has_other_words_and_the_second_says_the_keys() -> None:
    state, first = played(LEADS, understood(None))
    assert said(first)[1:] == [HELLO.again[0]]
    state, second = LEADS.step(state, understood(None))
    assert said(second)[1:] == [HELLO.again[1], HELLO.menu]
    assert said(first)[0] in LEADS.script.not_understood
    assert said(second)[0] in LEADS.script.not_understood
    assert said(first)[0] != said(second)[0]
    assert [effect.question for effect in second if isinstance(effect, Say)][-1]


def test_silence_has_words_of_its_own() -> None:
    state, first = played(LEADS, Silent(1))
    state, second = LEADS.step(state, Silent(2))
    assert said(first)[1:] == [HELLO.silence[0]]
    assert said(second)[1:] == [HELLO.silence[1], HELLO.menu]
    assert {said(first)[0], said(second)[0]} <= set(LEADS.script.not_heard)
    assert said(first)[0] != said(second)[0]


def test_what_comes_before_the_question_depends_on_the_session_alone() -> None:
    begun = [said(played(LEADS, understood(None), seed=f"s{n}")[1])[0] for n in range(20)]
    assert set(begun) == set(LEADS.script.not_understood)
    assert begun == [said(played(LEADS, understood(None), seed=f"s{n}")[1])[0] for n in range(20)]


def test_words_are_enough_where_they_are_all_there_is(tmp_path: Path) -> None:
    flow = ScriptFlow(load(written(tmp_path)))  # again is the question, word for word
    _, effects = played(flow, understood(None))
    assert said(effects) == ["Tea or coffee?"]


intents = st.sampled_from([None, "accept", "holds_some", "who_is_this", "unhappy", "call_later"])
events = (
    st.builds(Silent, st.integers(1, 3))
    | st.builds(Dtmf, st.sampled_from(sorted(DTMF_DIGITS)), st.just(0.0))
    | st.builds(understood, intents, st.sampled_from(["words", "", "1", "deux"]))
)


@given(st.text(max_size=3), st.lists(events, max_size=15))
def test_never_the_same_question_twice_in_a_row(seed: str, happened: list[Event]) -> None:
    state, _ = LEADS.step(LEADS.start(), Started(seed))
    for event in happened:
        asked = state["asked"]
        state, effects = LEADS.step(state, event)
        if isinstance(effects[-1], Hangup):
            return
        assert state["asked"] in said(effects)
        assert state["asked"] != asked


# Keys


def test_a_key_is_a_choice() -> None:
    assert played(LEADS, Dtmf("1", 0.0))[0]["step"] == "q1"
    assert played(LEADS, Dtmf("2", 0.0))[1][-1] == Hangup("refused")


def test_an_invalid_key_asks_again_and_says_the_keys_at_once() -> None:
    state, effects = played(LEADS, Dtmf("5", 0.0))
    assert said(effects)[1:] == [HELLO.again[0], HELLO.menu]
    assert state["retries"] == 1
    assert played(LEADS, *pressed("555"))[1][-1] == Hangup("not_understood")


def test_a_typed_digit_is_a_key_and_a_number_said_to_a_menu_too() -> None:
    assert played(LEADS, understood(None, "1"))[0]["step"] == "q1"
    assert played(LEADS, understood("refuse", " 1 "))[0]["step"] == "q1"
    menu = Dtmf("5", 0.0)
    assert played(LEADS, menu, understood(None, "le un"))[0]["step"] == "q1"
    assert played(LEADS, menu, understood("refuse", "un"))[1][-1] == Hangup("refused")
    assert played(LEADS, menu, understood(None, "sept"))[0]["step"] == "hello"
    assert played(LEADS, menu, understood(None, "oui et un peu deux"))[0]["step"] == "hello"
    assert played(LEADS, understood(None, "un"))[0]["step"] == "hello", "nobody named a key yet"


def test_the_numbers_of_a_menu_are_listened_for_once_it_was_said() -> None:
    state, _ = played(LEADS)
    assert "deux" not in LEADS.question(state).phrases
    state, _ = LEADS.step(state, Dtmf("5", 0.0))
    assert {"un", "deux", "oui"} <= set(LEADS.question(state).phrases)
    state, _ = LEADS.step(state, understood("accept"))
    assert not LEADS.question(state).phrases


@pytest.fixture
def number(tmp_path: Path) -> ScriptFlow:
    """Asks for three digits."""
    return ScriptFlow(load(written(tmp_path, NUMBER)))


@pytest.fixture
def any_number(tmp_path: Path) -> ScriptFlow:
    """Asks for a number, however long."""
    scenario = NUMBER.replace("expects: digits\n    digits: 3", "expects: number")
    return ScriptFlow(load(written(tmp_path, scenario)))


def test_digits_are_collected(number: ScriptFlow) -> None:
    state, effects = played(number, *pressed("01"))
    assert (state["digits"], effects) == ("01", ())
    assert number.question(state).pause_s > 0
    state, _ = number.step(state, Dtmf("2", 0.0))
    assert state["slots"]["cups"] == "012"
    assert (state["answers"], state["digits"]) == ({"ask": "drinks"}, "")
    assert number.question(state).pause_s == 0


@pytest.mark.parametrize("end", [Dtmf("#", 0.0), Silent(0)])
def test_a_number_ends_with_a_hash_or_a_pause(any_number: ScriptFlow, end: Event) -> None:
    state, _ = played(any_number, *pressed("9*012"), end)
    assert state["slots"]["cups"] == 12
    assert state["answers"] == {"ask": "drinks"}


def test_a_number_can_be_typed(any_number: ScriptFlow) -> None:
    assert played(any_number, understood(None, "12"))[0]["slots"]["cups"] == 12
    assert played(any_number, understood(None, "12#"))[0]["slots"]["cups"] == 12


@pytest.mark.parametrize("keys", ["#", "A", "12#", "1A"])
def test_too_few_digits_ask_again(number: ScriptFlow, keys: str) -> None:
    state, effects = played(number, *pressed(keys))
    assert (state["step"], state["retries"]) == ("ask", 1)
    assert said(effects)


def test_words_take_the_place_of_digits(number: ScriptFlow) -> None:
    state, _ = played(number, *pressed("12"), understood(None))
    assert (state["digits"], state["retries"]) == ("", 1)


def test_digits_lead_on_where_any_answer_does(tmp_path: Path) -> None:
    scenario = """\
name: any
languages: [en]
start: ask
silence: gone
slots:
  cups: {kind: number}
steps:
  ask: {otherwise: gone, expects: number, keyed: {slot: cups}}
  gone: {hangup: completed}
"""
    words = "language: en\nlines:\n  ask: {say: How many, silence: Well}\n  gone: Goodbye.\n"
    flow = ScriptFlow(load(written(tmp_path, scenario, words)))
    state, effects = played(flow, *pressed("7#"))
    assert (state["slots"], effects[-1]) == ({"cups": 7}, Hangup("completed"))


def test_a_scenario_without_keys_asks_again_at_any_key(tmp_path: Path) -> None:
    scenario = SCENARIO.replace('    keys: {"1": drinks}\n', "")
    flow = ScriptFlow(load(written(tmp_path, scenario, WORDS)))
    assert said(played(flow, Dtmf("1", 0.0))[1]) == ["Tea or coffee?"]
