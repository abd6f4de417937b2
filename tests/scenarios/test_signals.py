"""Who answered, and what a script does about it."""

from pathlib import Path
from typing import Any

import pytest

from engine.errors import ScenarioError
from engine.flow import (
    Effect,
    FlowState,
    Record,
    Signal,
    Silent,
    Started,
    Understanding,
    Understood,
)
from engine.frames import Dtmf, Hangup, Say
from scenarios.script import ScriptFlow, load
from scenarios.signals import BEEP_PATIENCE_S
from tests.scenarios.test_reading import SCENARIO, WORDS, written

LINES = ("This is Ann.", "Call us back.")


def flow(folder: Path, policy: str) -> ScriptFlow:
    scenario = f"{SCENARIO}voicemail: {policy}\n" if policy else SCENARIO
    words = f"{WORDS}voicemail: [{', '.join(LINES)}]\n" if policy == "message" else WORDS
    return ScriptFlow(load(written(folder, scenario, words)))


def amd(verdict: str, **more: Any) -> Signal:
    return Signal("amd", {"verdict": verdict, **more}, 1.0)


BEEP = Signal("beep", {"hz": 1000}, 9.0)
MESSAGE: tuple[Effect, ...] = (*map(Say, LINES), Hangup("voicemail"))


def greeted(script: ScriptFlow) -> FlowState:
    state, _ = script.step(script.start(), Started())
    return state


@pytest.mark.parametrize("policy", ["", "hangup", "message"])
@pytest.mark.parametrize("verdict", ["human", "silence", "music", "unknown"])
def test_who_may_be_a_person_is_noted_and_nothing_changes(
    tmp_path: Path, policy: str, verdict: str
) -> None:
    script = flow(tmp_path, policy)
    before = greeted(script)
    state, effects = script.step(before, amd(verdict, confidence=0.9))
    assert state == before
    assert effects == (Record("amd", {"verdict": verdict, "confidence": 0.9}),)


@pytest.mark.parametrize("policy", ["hangup", "message"])
@pytest.mark.parametrize("verdict", ["network", "fax"])
def test_a_machine_that_cannot_be_talked_to_is_hung_up_on(
    tmp_path: Path, policy: str, verdict: str
) -> None:
    script = flow(tmp_path, policy)
    _, effects = script.step(greeted(script), amd(verdict))
    assert effects == (Record("amd", {"verdict": verdict}), Hangup(verdict))


def test_a_voicemail_is_hung_up_on_where_the_scenario_says_so(tmp_path: Path) -> None:
    script = flow(tmp_path, "hangup")
    _, effects = script.step(greeted(script), amd("voicemail"))
    assert effects == (Record("amd", {"verdict": "voicemail"}), Hangup("voicemail"))


def test_without_a_policy_a_voicemail_is_only_noted(tmp_path: Path) -> None:
    script = flow(tmp_path, "")
    before = greeted(script)
    state, effects = script.step(before, amd("voicemail"))
    assert (state, effects) == (before, (Record("amd", {"verdict": "voicemail"}),))
    assert script.step(state, BEEP) == (state, (Record("beep", {"hz": 1000}),))


def test_a_message_is_left_after_the_beep_and_nobody_is_answered_before(tmp_path: Path) -> None:
    script = flow(tmp_path, "message")
    state, effects = script.step(greeted(script), amd("voicemail"))
    assert effects == (Record("amd", {"verdict": "voicemail"}),)
    question = script.question(state)
    assert (question.barge_in, question.intents) == ("never", ())
    greeting = Understood("leave a message", Understanding("drinks", 0.9, "test"))
    for event in (greeting, Dtmf("1", 2.0)):
        assert script.step(state, event) == (state, ())
    state, effects = script.step(state, BEEP)
    assert effects == (Record("beep", {"hz": 1000}), *MESSAGE)
    assert script.step(state, greeting)[1] == MESSAGE  # its last words stopped us: once more


def test_a_beep_that_comes_late_has_the_message_said_again_from_its_beginning(
    tmp_path: Path,
) -> None:
    script = flow(tmp_path, "message")
    state, _ = script.step(greeted(script), amd("voicemail"))
    state, _ = script.step(state, Signal("beep", {"heard": False}, 9.0))
    _, effects = script.step(state, BEEP)
    assert effects[1:] == MESSAGE


def test_patience_has_an_end(tmp_path: Path) -> None:
    script = flow(tmp_path, "message")
    state, _ = script.step(greeted(script), amd("voicemail"))
    assert script.question(state).pause_s == BEEP_PATIENCE_S
    assert script.step(state, Silent(0))[1] == MESSAGE


def test_a_person_who_was_taken_for_a_voicemail_is_asked_again(tmp_path: Path) -> None:
    script = flow(tmp_path, "message")
    state, _ = script.step(greeted(script), amd("voicemail"))
    state, effects = script.step(state, amd("human"))
    assert effects == (Record("amd", {"verdict": "human"}), Say("Tea or coffee?", question=True))
    assert script.question(state).step == "ask"


def test_a_signal_of_another_name_is_noted(tmp_path: Path) -> None:
    script = flow(tmp_path, "message")
    before = greeted(script)
    assert script.step(before, Signal("weather", {}, 1.0)) == (before, (Record("weather", {}),))


def test_the_message_is_among_the_lines_that_are_spoken_ahead(tmp_path: Path) -> None:
    assert set(LINES) <= set(flow(tmp_path, "message").script.lines())


@pytest.mark.parametrize(
    ("scenario", "words", "problem"),
    [
        ("voicemail: message\n", "", "nothing to leave on a voicemail"),
        ("voicemail: hangup\n", "voicemail: Call us.\n", "never left"),
        ("", "voicemail: Call us.\n", "never left"),
        ("voicemail: ignore\n", "", "unknown value 'ignore'"),
    ],
)
def test_a_policy_and_its_words_belong_together(
    tmp_path: Path, scenario: str, words: str, problem: str
) -> None:
    with pytest.raises(ScenarioError, match=problem):
        load(written(tmp_path, SCENARIO + scenario, WORDS + words))
