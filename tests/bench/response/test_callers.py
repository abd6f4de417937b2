from collections import Counter
from pathlib import Path

import pytest

from bench.barge_in.callers import ANSWER, BACKCHANNELS, INTERRUPTIONS
from bench.errors import BenchError
from bench.response.callers import CONDITIONS, SCRIPTS, plan_calls
from bench.response.run import SCENARIO, voices
from pipelines.speech import models
from scenarios import find
from scenarios.script import load

WORDS = Path(models.__file__).parent / "vosk-fr-demo" / "graph" / "words.txt"


def test_callers_say_what_the_demo_recogniser_knows() -> None:
    known = {line.split()[0] for line in WORDS.read_text(encoding="utf-8").splitlines()}
    said = [text for script in SCRIPTS for lines in script.values() for text, _ in lines]
    for text in [*said, *INTERRUPTIONS, *BACKCHANNELS, ANSWER]:
        assert set(text.split()) <= known, text


def test_scripts_answer_the_questions_of_the_scenario() -> None:
    script = load(find(SCENARIO))
    for answers in SCRIPTS:
        for step, said in answers.items():
            known = set(script.steps[step].answers)
            assert {intent for _, intent in said} <= known


def test_what_is_said_has_one_meaning_in_a_call() -> None:
    for script in SCRIPTS:
        said = [text for lines in script.values() for text, _ in lines]
        assert len(said) == len(set(said))


def test_36_turns_are_6_voices_and_every_line_with_two_scripts() -> None:
    plans = plan_calls(36, voices(), seed=1)
    assert len(plans) == 6
    assert sum(plan.turns for plan in plans) == 36
    assert len({plan.voice.name for plan in plans}) == 6
    assert set(Counter(plan.condition.name for plan in plans).values()) == {2}
    pairs = {(plan.condition.name, SCRIPTS.index(plan.script)) for plan in plans}
    assert len(pairs) == 6


def test_the_same_seed_gives_the_same_calls_and_the_last_may_be_short() -> None:
    plans = plan_calls(8, voices(), seed=3)
    assert plans == plan_calls(8, voices(), seed=3)
    assert [plan.turns for plan in plans] == [6, 2]
    assert plans[0].condition is CONDITIONS[0]
    with pytest.raises(BenchError, match="--turns 0"):
        plan_calls(0, voices(), seed=1)
