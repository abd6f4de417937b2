"""Literal timelines, and what they amount to."""

from __future__ import annotations

import pytest

from server.talk.turn_taking import Said, Sounded, TurnTaking, judge

LINE = Sounded(1, 0, 5000)


def test_an_answer_is_awaited_from_the_last_sound_of_the_turn() -> None:
    found = judge([Said("answer", 6000, 7000)], [LINE, Sounded(2, 7450, 9000)], {1, 2})
    assert found.response_ms == [450]
    assert (found.response_rate, found.cut_off_rate, found.agent_interruption_rate) == (1, 0, 0)


def test_a_turn_is_not_over_while_there_is_more_to_say() -> None:
    said = [Said("answer", 6000, 6500, more=True), Said("answer", 7200, 8000)]
    found = judge(said, [LINE, Sounded(2, 8300, 9000)], {1, 2})
    assert found.response_ms == [300]
    assert [turn.pauses for turn in found.user_turns] == [1]
    assert found.hesitant_cut_off_rate == 0


@pytest.mark.parametrize(("at_ms", "interrupted"), [(6800, 0), (7500, 1)])
def test_sound_before_the_end_of_a_turn_cuts_it_off(at_ms: float, interrupted: int) -> None:
    said = [Said("answer", 6000, 6500, more=True), Said("answer", 7200, 8000)]
    found = judge(said, [LINE, Sounded(2, at_ms, 9000)], {1, 2})
    assert found.response_ms == []
    assert found.response_rate is None
    assert found.cut_off_rate == found.hesitant_cut_off_rate == 1
    assert found.agent_interruption_rate == interrupted


@pytest.mark.parametrize(
    ("whole", "at_ms", "excused"),
    [(True, 6800, True), (False, 6800, False), (True, 6400, False), (True, 8300, False)],
)
def test_words_that_could_be_all_excuse_who_answers_them(
    whole: bool, at_ms: float, excused: bool
) -> None:
    said = [Said("answer", 6000, 6500, more=True, whole=whole), Said("answer", 7200, 8000)]
    found = judge(said, [LINE, Sounded(2, at_ms, 9000)], {1, 2})
    assert [turn.excused for turn in found.user_turns] == [excused]
    assert found.phrase_cut_off_rate == (found.cut_off_rate if not excused else 0)


def test_a_caller_who_has_to_speak_again_was_not_answered() -> None:
    said = [Said("answer", 6000, 7000), Said("answer", 12000, 12500)]
    found = judge(said, [LINE, Sounded(2, 13000, 14000)], {1, 2})
    assert [turn.response_ms for turn in found.user_turns] == [None, 500]
    assert found.response_rate == 0.5


def test_an_interruption_is_yielded_to_when_we_fall_silent() -> None:
    said = [Said("interruption", 2000, 2900)]
    found = judge(said, [Sounded(1, 0, 2180), Sounded(2, 3300, 5000)], {2})
    assert found.yield_ms == [180]
    assert found.yield_rate == 1
    assert found.false_resumes == found.lost == 0
    assert found.response_ms == [400]


@pytest.mark.parametrize("end_ms", [5000, 4100])
def test_an_interruption_that_we_talk_through_is_missed(end_ms: float) -> None:
    cut_late = [Sounded(1, 0, end_ms)]
    found = judge([Said("interruption", 2000, 2900)], cut_late, {1} if end_ms == 5000 else ())
    assert found.yield_ms == []
    assert found.yield_rate == 0


def test_the_end_of_our_turn_is_no_yield() -> None:
    found = judge([Said("interruption", 4500, 5400)], [LINE], {1})
    assert found.yield_rate == 0


def test_going_on_after_an_interruption_is_a_false_resume_and_no_response() -> None:
    said = [Said("interruption", 2000, 2900)]
    found = judge(said, [Sounded(1, 0, 2180), Sounded(1, 3200, 6000)], {1})
    assert found.yield_ms == [180]
    assert found.false_resumes == 1
    assert found.response_rate == 0


def test_a_backchannel_that_we_talk_through_is_right() -> None:
    found = judge([Said("backchannel", 2000, 2400)], [LINE], {1})
    assert found.selectivity("backchannel") == found.kept_rate("backchannel") == 1
    assert found.user_turns == ()


def test_a_hold_is_an_error_to_the_letter_but_nothing_is_lost() -> None:
    ours = [Sounded(1, 0, 2150), Sounded(1, 2800, 5650)]
    found = judge([Said("backchannel", 2000, 2400)], ours, {1})
    assert found.selectivity("backchannel") == 0
    assert found.kept_rate("backchannel") == 1
    assert found.lost == found.held == 0


def test_a_silence_shorter_than_a_tick_is_none() -> None:
    ours = [Sounded(1, 0, 2150), Sounded(1, 2349, 5650)]
    found = judge([Said("backchannel", 2000, 2200)], ours, {1})
    assert found.selectivity("backchannel") == 1


def test_a_backchannel_that_costs_the_turn() -> None:
    ours = [Sounded(1, 0, 2150), Sounded(2, 3000, 5650)]
    found = judge([Said("backchannel", 2000, 2400)], ours, {2})
    assert found.selectivity("backchannel") == found.kept_rate("backchannel") == 0
    assert (found.turns, found.lost) == (2, 1)


def test_what_costs_the_turn_is_the_last_that_was_said_over_it() -> None:
    said = [Said("cough", 1000, 1200), Said("backchannel", 2000, 2400)]
    found = judge(said, [Sounded(1, 0, 2150)], ())
    assert found.kept_rate("vocal_tic") == 1
    assert found.kept_rate("backchannel") == 0


def test_a_turn_that_is_interrupted_later_was_not_lost_before() -> None:
    said = [Said("backchannel", 1000, 1400), Said("interruption", 3000, 3900)]
    found = judge(said, [Sounded(1, 0, 3200)], ())
    assert found.kept_rate("backchannel") == 1
    assert found.lost == 0


def test_a_turn_that_cut_in_and_gave_way_was_not_lost() -> None:
    said = [Said("answer", 6000, 6500, more=True), Said("answer", 7200, 8000)]
    found = judge(said, [LINE, Sounded(2, 6900, 7350), Sounded(3, 8400, 9000)], {1, 3})
    assert found.cut_off_rate == 1
    assert found.lost == 0


@pytest.mark.parametrize(("kind", "measure"), [("cough", "vocal_tic"), ("aside", "non_directed")])
def test_what_is_not_for_us_is_not_answered_either(kind: str, measure: str) -> None:
    said = [Said(kind, 6000, 6300)]
    assert judge(said, [LINE], {1}).selectivity(measure) == 1
    assert judge(said, [LINE, Sounded(2, 8200, 9000)], {1, 2}).selectivity(measure) == 0
    assert judge(said, [LINE, Sounded(2, 8400, 9000)], {1, 2}).selectivity(measure) == 1
    assert judge(said, [LINE], {1}).kept_rate(measure) is None


def test_our_turns_that_stop_while_the_caller_is_silent() -> None:
    found = judge([], [Sounded(1, 0, 2000), Sounded(2, 4000, 5000), Sounded(2, 5600, 6000)], {2})
    assert (found.turns, found.lost, found.held) == (2, 1, 1)


def test_calls_add_up() -> None:
    one = judge([Said("answer", 6000, 7000)], [LINE, Sounded(2, 7450, 9000)], {1})
    both = one + one
    assert both.response_ms == [450, 450]
    assert (both.turns, both.lost) == (4, 2)
    assert TurnTaking().response_rate is TurnTaking().yield_rate is None
    assert TurnTaking().agent_interruption_rate is TurnTaking().cut_off_rate is None
