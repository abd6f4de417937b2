"""Handing a person over: how it is written, and how it is played."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ScenarioError
from engine.flow import Record, Signal, Silent, Started, Understanding, Understood
from engine.frames import Connect, Dtmf, Hangup, Recording, Say, Transfer
from scenarios.script import ScriptFlow, load

SCENARIO = """\
name: tea
languages: [en]
start: ask
silence: gone
slots:
  drink: {kind: many, values: [tea, coffee]}
  cups: {kind: number}
steps:
  ask:
    answers: {drinks: agent, nothing: gone}
    retries: 1
    then: gone
  agent:
    transfer: {to: "1002", timeout_s: 15}
    then: busy
    recording: start
  busy: {hangup: completed, recording: stop}
  gone: {hangup: completed}
"""
WORDS = """\
language: en
lines:
  ask: {say: "Tea or coffee?", again: "Tea or coffee?", silence: "Hello?"}
  agent:
    say: One moment please.
    summary: [A guest from the tea shop., "Wants {drink}.", "Wants {cups} cups."]
  busy: Nobody is there.
  gone: Goodbye.
slots:
  drink: {tea: [some tea, green tea], coffee: [coffee]}
intents:
  drinks: {means: names a drink, examples: [tea, a coffee please, tea and coffee]}
  nothing: {means: wants nothing, examples: [no, nothing, no thanks]}
"""


def flow(folder: Path, scenario: str = SCENARIO, words: str = WORDS) -> ScriptFlow:
    (folder / "en.yaml").write_text(words, encoding="utf-8")
    (folder / "scenario.yaml").write_text(scenario, encoding="utf-8")
    return ScriptFlow(load(folder / "scenario.yaml"))


def drinks(**slots: object) -> Understood:
    return Understood("tea", Understanding("drinks", 0.9, "test", slots))


def signal(name: str, **data: object) -> Signal:
    return Signal(name, data, 1.0)


def test_an_attended_transfer_from_the_line_to_the_connection(tmp_path: Path) -> None:
    script = flow(tmp_path)
    state, _ = script.step(script.start(), Started())
    state, effects = script.step(state, drinks(drink=["tea", "coffee"]))
    summary = "A guest from the tea shop. Wants some tea, coffee."
    assert effects == (
        Record("recording.start"),
        Recording(True),
        Record(
            "transfer",
            {
                "mode": "attended",
                "to": "1002",
                "summary": summary,
                "slots": {"drink": ["tea", "coffee"]},
                "answers": {"ask": "drinks"},
                "score": None,
                "level": None,
            },
        ),
        Say("One moment please."),
        Transfer("1002", "attended", 15),
    )
    assert script.question(state).barge_in == "never"
    # What is said, keyed or not said meanwhile is nobody's.
    for event in (drinks(), Silent(0), Dtmf("1", 1.0)):
        assert script.step(state, event) == (state, ())
    state, effects = script.step(state, signal("transfer.answered"))
    assert effects == (
        Record("transfer.answered", {}),
        Say("A guest from the tea shop."),
        Say("Wants some tea, coffee."),
        Connect(),
    )
    assert script.step(state, signal("beep"))[1] == (Record("beep", {}),)
    state, effects = script.step(state, signal("transfer.connected"))
    assert effects == (Record("transfer.connected", {}), Hangup("transferred"))


def test_where_nobody_takes_it_the_scenario_goes_on(tmp_path: Path) -> None:
    script = flow(tmp_path)
    state, _ = script.step(script.start(), drinks())
    state, effects = script.step(state, signal("transfer.failed", outcome="busy"))
    assert effects == (
        Record("transfer.failed", {"outcome": "busy"}),
        Record("recording.stop"),
        Recording(False),
        Say("Nobody is there."),
        Hangup("completed"),
    )
    assert state["step"] == "busy"


def test_in_a_conference_we_stay(tmp_path: Path) -> None:
    script = flow(
        tmp_path,
        SCENARIO.replace(
            '{to: "1002", timeout_s: 15}', '{to: "1002", mode: conference}\n    next: gone'
        ),
    )
    state, _ = script.step(script.start(), drinks())
    state, effects = script.step(state, signal("transfer.connected"))
    assert effects == (
        Record("transfer.connected", {}),
        Say("Goodbye."),
        Hangup("completed"),
    )


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("    then: busy\n", "", "lacks 'then'"),
        ('{to: "1002", timeout_s: 15}', "{timeout_s: 15}", "'to'"),
        (
            '{to: "1002", timeout_s: 15}',
            '{to: "1002", mode: conference, listen: true}\n    next: gone',
            "listen",
        ),
        ('{to: "1002", timeout_s: 15}', '{to: "1002", mode: polite}', "blind, attended"),
        ('{to: "1002", timeout_s: 15}', '{to: "1002", mode: conference}', "'next'"),
        ('{to: "1002", timeout_s: 15}', '{to: "1002", timeout_s: 999}', "120"),
        ('{to: "1002", timeout_s: 15}', '{to: "1002", mode: blind}', "blind"),
        ("    then: busy\n", "    then: busy\n    next: gone\n", "'next'"),
        ("    then: busy\n", "    then: busy\n    retries: 1\n", "retries"),
        ("recording: start", "recording: always", "start, stop"),
        ("recording: stop", "recording: start", "without a yes"),
    ],
)
def test_what_is_wrong_is_refused(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in SCENARIO
    with pytest.raises(ScenarioError, match=expected):
        flow(tmp_path, SCENARIO.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("{cups} cups", "{cakes} cakes", "unknown 'cakes'"),
        ("{cups} cups", "{} cups", "stray braces"),
        ("{cups} cups", "{cups cups", "stray braces"),
        ("  busy: Nobody is there.", "  busy: {say: No., summary: Why.}", "no transfer"),
    ],
)
def test_a_wrong_summary_is_refused(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in WORDS
    with pytest.raises(ScenarioError, match=expected):
        flow(tmp_path, words=WORDS.replace(old, new))
