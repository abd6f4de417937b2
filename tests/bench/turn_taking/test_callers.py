from dataclasses import replace

import pytest

from bench.errors import BenchError
from bench.turn_taking.callers import (
    ANSWERS,
    BOTH,
    CONDITIONS,
    FIRST_MS,
    HESITANT,
    PAUSE_S,
    SECOND_MS,
    plan_call,
    unseen_voices,
)
from server.talk.turn_taking import IGNORED, INTERRUPTING


def test_the_same_caller_calls_over_every_line() -> None:
    plans = [plan_call(3, condition, 60.0) for condition in CONDITIONS]
    for plan in plans[1:]:
        assert (plan.voice, plan.replies, plan.overs) == (
            plans[0].voice,
            plans[0].replies,
            plans[0].overs,
        )
    assert plan_call(4, CONDITIONS[0], 60.0).replies != plans[0].replies


def test_voices_were_kept_out_of_training() -> None:
    assert "fr+f3" in unseen_voices()
    assert {plan_call(seed, CONDITIONS[0], 60.0).voice for seed in range(11)} == set(
        unseen_voices()
    )


def test_every_kind_of_question_has_answers_and_hesitant_ones() -> None:
    assert set(ANSWERS) == set(HESITANT)
    assert all("|" in text for texts in HESITANT.values() for text in texts)
    assert not any("|" in text for texts in ANSWERS.values() for text in texts)


def test_what_is_drawn_is_within_its_limits() -> None:
    plan = plan_call(1, CONDITIONS[0], 60.0)
    assert all(PAUSE_S[0] <= s <= PAUSE_S[1] for reply in plan.replies for s in reply.pauses_s)
    pauses = max(text.count("|") for texts in HESITANT.values() for text in texts)
    assert all(len(reply.pauses_s) == pauses for reply in plan.replies)
    for first, second in plan.overs:
        assert FIRST_MS[0] <= first.after_ms <= FIRST_MS[1] < SECOND_MS[0] <= second.after_ms
        assert {first.kind, second.kind} <= {*IGNORED, *INTERRUPTING}


def test_a_call_that_is_too_short_is_refused() -> None:
    with pytest.raises(BenchError, match="--seconds 3"):
        plan_call(1, CONDITIONS[0], 3.0)


def test_rates_are_those_of_the_lines() -> None:
    assert [condition.rate_hz for condition in CONDITIONS] == [16000, 8000] + [16000] * 4
    assert (BOTH.rate_hz, BOTH.mulaw) == (8000, True)


def test_people_answer_open_questions() -> None:
    people = replace(CONDITIONS[0], people=("one", "two"))
    plan, usual = plan_call(1, people, 60.0), plan_call(1, CONDITIONS[0], 60.0)
    assert [reply.texts["open"] for reply in plan.replies[:3]] == ["one", "two", "one"]
    assert [reply.texts["choice"] for reply in plan.replies] == [
        reply.texts["choice"] for reply in usual.replies
    ]
