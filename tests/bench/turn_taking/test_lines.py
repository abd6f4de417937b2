import pytest

from bench.turn_taking.callers import ANSWERS
from bench.turn_taking.lines import SCENARIO, lines
from scenarios.script import load


def test_passages_and_short_questions_take_turns() -> None:
    said = lines()
    assert [line.passage for line in said] == [True, False] * 3
    assert {line.asks for line in said} == set(ANSWERS)
    assert all(line.sentences[-1].endswith("?") for line in said)


def test_the_scenario_goes_through_them_whatever_is_said() -> None:
    script = load(SCENARIO)
    steps = list(script.steps.values())
    asked = [step for step in steps if step.asks]
    for step, after in zip(asked, [*asked[1:], asked[0]], strict=True):
        assert step.otherwise == after.name
        assert all(answer.go == after.name for answer in step.answers.values())


@pytest.mark.parametrize("rate_hz", [8000, 16000])
def test_a_line_lasts_as_long_as_its_sound(rate_hz: int) -> None:
    line = lines()[1]
    assert 2 * rate_hz * line.seconds(rate_hz) == sum(map(len, line.sounds(rate_hz)))
    assert line.seconds(rate_hz) == pytest.approx(1.24, abs=0.2)
