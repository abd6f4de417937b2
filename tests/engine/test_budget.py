import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.budget import MARKS, STAGES, LatencyBudget, Mark, spans

SECONDS = st.floats(0, 1e5, allow_nan=False).map(lambda at: round(at, 4))
ANY_MARKS = st.dictionaries(st.sampled_from(MARKS), SECONDS)
SOME_MARKS = st.dictionaries(st.sampled_from(MARKS), SECONDS, min_size=1)

TURN = {
    Mark.SPEECH_END: 10.0,
    Mark.ENDPOINT: 10.25,
    Mark.TRANSCRIPT: 10.30,
    Mark.INTENT: 10.31,
    Mark.FIRST_SENTENCE: 10.41,
    Mark.FIRST_AUDIO: 10.51,
    Mark.FIRST_PLAYED: 10.53,
}


def test_a_turn_of_the_table() -> None:
    assert spans(TURN) == pytest.approx(
        {
            "endpointing": 250,
            "transcription": 50,
            "understanding": 110,
            "speech": 100,
            "playout": 20,
        }
    )


def test_a_reply_that_was_ready_before_takes_no_time_of_its_own() -> None:
    marks = {Mark.SPEECH_END: 1.0, Mark.ENDPOINT: 1.5, Mark.INTENT: 1.2, Mark.FIRST_AUDIO: 1.6}
    assert spans(marks) == pytest.approx({"endpointing": 500, "understanding": 0, "speech": 100})


def test_every_mark_but_the_first_is_some_stages() -> None:
    assert set(STAGES) == set(MARKS[1:])
    assert set(STAGES.values()) == set(LatencyBudget().stages_ms)


@given(marks=ANY_MARKS)
def test_spans_add_up_to_the_gap_whatever_marks_there_are(marks: dict[Mark, float]) -> None:
    spent = spans(marks)
    assert all(ms >= 0 for ms in spent.values())
    present = [marks[mark] for mark in MARKS if mark in marks]
    gap_ms = (max(present) - present[0]) * 1000 if present else 0.0
    assert sum(spent.values()) == pytest.approx(gap_ms, abs=1e-3)


def test_the_default_is_800_ms() -> None:
    assert LatencyBudget().total_ms == 800


@pytest.mark.parametrize(
    ("stages_ms", "problem"),
    [
        ({"coffee": 5.0, "speech": 1.0}, "unknown stages in the budget: coffee"),
        ({"speech": -1}, "less than no"),
    ],
)
def test_a_budget_that_makes_no_sense_is_refused(stages_ms: dict[str, float], problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        LatencyBudget(stages_ms)


def test_a_turn_within_its_budget_overruns_nothing() -> None:
    assert LatencyBudget().overruns(TURN) == {}


def test_overruns_are_by_stage_and_in_total() -> None:
    slow = TURN | {Mark.FIRST_AUDIO: 11.41, Mark.FIRST_PLAYED: 11.43}
    assert LatencyBudget().overruns(slow) == pytest.approx({"speech": 850, "total": 630})
    one_stage = TURN | {Mark.FIRST_PLAYED: 10.57}
    assert LatencyBudget().overruns(one_stage) == pytest.approx({"playout": 10})


def test_a_stage_without_a_share_counts_in_the_total_only() -> None:
    assert LatencyBudget({"speech": 300.0}).overruns(TURN) == pytest.approx({"total": 230})


@given(marks=ANY_MARKS)
def test_overruns_say_by_how_much(marks: dict[Mark, float]) -> None:
    budget = LatencyBudget()
    spent = spans(marks)
    over = budget.overruns(marks)
    for stage, ms in spent.items():
        assert over.get(stage, 0.0) == pytest.approx(max(0.0, ms - budget.stages_ms[stage]))


def test_what_earlier_stages_left_may_be_spent() -> None:
    marks = {Mark.SPEECH_END: 10.0, Mark.ENDPOINT: 10.25, Mark.TRANSCRIPT: 10.26}
    assert LatencyBudget().deadline(marks, "understanding") == pytest.approx(10.6)


def test_what_earlier_stages_overran_is_not_taken_away() -> None:
    marks = {Mark.SPEECH_END: 10.0, Mark.ENDPOINT: 11.0, Mark.TRANSCRIPT: 11.5}
    assert LatencyBudget().deadline(marks, "understanding") == pytest.approx(11.75)


def test_a_stage_without_a_share_has_no_deadline() -> None:
    with pytest.raises(ValueError, match="no stage 'coffee'"):
        LatencyBudget().deadline(TURN, "coffee")


@given(marks=SOME_MARKS, stage=st.sampled_from(sorted(LatencyBudget().stages_ms)))
def test_a_deadline_always_leaves_the_stage_its_share(marks: dict[Mark, float], stage: str) -> None:
    budget = LatencyBudget()
    share_s = budget.stages_ms[stage] / 1000
    assert budget.deadline(marks, stage) >= max(marks.values()) + share_s
