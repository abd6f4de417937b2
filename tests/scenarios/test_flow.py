"""Playing a script: pure, and never without a way on."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigurationError
from engine.flow import Effect, Event, FlowState, Record, Silent, Started, Understanding, Understood
from engine.frames import DTMF_DIGITS, Dtmf, Hangup, Say
from scenarios import find
from scenarios.script import ScriptFlow, load

LEADS = ScriptFlow(load(find("leads")))
BENCH = ScriptFlow(load(find("bench")))


def understood(intent: str | None, text: str = "words", **slots: Any) -> Understood:
    return Understood(text, Understanding(intent, 0.9, "test", slots))


def played(flow: ScriptFlow, *events: Event) -> tuple[FlowState, tuple[Effect, ...]]:
    state, effects = flow.step(flow.start(), Started())
    for event in events:
        state, effects = flow.step(state, event)
    return state, effects


def said(effects: tuple[Effect, ...]) -> list[str]:
    return [effect.text for effect in effects if isinstance(effect, Say)]


def test_the_question_comes_last() -> None:
    _, effects = played(LEADS)
    assert [effect.question for effect in effects if isinstance(effect, Say)] == [
        False,
        False,
        True,
    ]


def test_a_hot_lead_from_hello_to_an_appointment() -> None:
    state, effects = played(
        LEADS,
        understood("accept"),
        understood("holds", savings=["livret_a", "assurance_vie"]),
        understood("worried"),
        understood("unhappy"),
    )
    assert (state["step"], state["score"], state["level"]) == ("closing", 7, "hot")
    record = effects[0]
    assert isinstance(record, Record)
    assert record.name == "lead"
    assert record.data["slots"] == {"savings": ["livret_a", "assurance_vie"]}
    state, _ = LEADS.step(state, understood("accept"))
    state, effects = LEADS.step(state, understood(None, moment="evening"))
    assert state["slots"]["moment"] == "evening"
    assert effects[-1] == Hangup("completed")


def test_a_cold_lead_is_thanked() -> None:
    state, effects = played(
        LEADS,
        understood("accept"),
        understood("holds_none"),
        understood("unworried"),
        understood("happy"),
    )
    assert (state["level"], effects[-1]) == ("cold", Hangup("completed"))


def test_what_is_not_understood_is_asked_again_in_other_words_then_given_up() -> None:
    state, first = played(LEADS, understood(None))
    state, second = LEADS.step(state, understood("unheard of"))
    assert not {*said(first)} & {*said(second)}
    _, last = LEADS.step(state, understood(None))
    assert last[-1] == Hangup("not_understood")


def test_opting_out_counts_at_every_question() -> None:
    for events in ((), (understood("accept"),)):
        _, effects = played(LEADS, *events, understood("opt_out"))
        assert isinstance(effects[0], Record)
        assert effects[0].name == "opt_out"
        assert effects[-1] == Hangup("opt_out")


def test_a_question_of_the_user_is_answered_and_ours_asked_again() -> None:
    _, effects = played(LEADS, understood("who_is_this"))
    assert "Claire" in said(effects)[0]
    assert said(effects)[1:] == list(LEADS.script.steps["hello"].again[:1])
    _, effects = played(LEADS, understood("repeat"))
    assert said(effects) == list(LEADS.script.steps["hello"].say)


def test_an_answer_that_says_too_little_is_not_asked_about_for_ever() -> None:
    state, _ = played(LEADS, understood("accept"), *[understood("holds_some")] * 3)
    assert state["step"] == "q2"


def test_a_key_means_an_intent() -> None:
    assert played(LEADS, Dtmf("1", 0.0))[0]["step"] == "q1"
    assert played(LEADS, Dtmf("9", 0.0))[1][-1] == Hangup("opt_out")


def test_any_words_lead_on_where_any_answer_will_do() -> None:
    state, effects = played(BENCH, understood(None), understood(None))
    assert state["step"] == "reply"
    assert said(effects) == list(BENCH.script.steps["reply"].say)
    _, effects = played(BENCH, understood(None, text=""))
    assert not any(isinstance(effect, Hangup) for effect in effects)


def test_after_the_end_nothing_changes() -> None:
    state, _ = played(LEADS, understood("refuse"))
    assert LEADS.step(state, understood("accept")) == (state, (Hangup("refused"),))
    assert LEADS.question(state).intents == ()


@pytest.mark.parametrize("change", [{"v": 0}, {"step": "gone with the last version"}])
def test_a_state_of_another_script_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="start the conversation anew"):
        LEADS.step({**LEADS.start(), **change}, Started())


intents = st.none() | st.sampled_from(sorted(LEADS.script.knowledge.intents)) | st.text()
slots = st.fixed_dictionaries(
    {},
    optional={
        "savings": st.lists(st.sampled_from(["livret_a", "pel", "assurance_vie"])),
        "moment": st.sampled_from(["morning", "afternoon", "evening"]),
    },
)
events = (
    st.just(Started())
    | st.builds(Silent, st.integers(1, 9))
    | st.builds(Dtmf, st.sampled_from(sorted(DTMF_DIGITS)), st.just(0.0))
    | st.builds(
        Understood,
        st.text(),
        st.builds(Understanding, intents, st.floats(0, 1), st.just("test"), slots),
    )
)


@pytest.mark.parametrize("flow", [LEADS, BENCH], ids=["leads", "bench"])
@given(st.lists(events, max_size=20))
def test_whatever_happens_there_is_a_way_on_and_silence_ends_it(
    flow: ScriptFlow, happened: list[Event]
) -> None:
    state = flow.start()
    for event in happened:
        before = json.dumps(state)
        new, effects = flow.step(state, event)
        assert json.dumps(state) == before, "a step changes nothing"
        assert json.loads(json.dumps(new)) == new
        assert any(isinstance(effect, Say | Hangup) for effect in effects), "never silence"
        state = new
        assert flow.question(state).step in flow.script.steps
    for count in range(1, 10):
        state, effects = flow.step(state, Silent(count))
        if isinstance(effects[-1], Hangup):
            break
    else:
        pytest.fail("silence does not end it")
