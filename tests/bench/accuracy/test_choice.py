"""What the bench of choices says, and how it counts."""

import pytest

from bench.accuracy.choice import items, meanings
from scenarios import find
from scenarios.script import load

SCRIPT = load(find("leads"))


def test_answers_of_all_kinds_to_a_question_and_talk_about_something_else() -> None:
    said = items(SCRIPT, "hello")
    groups = {item.group for item in said}
    assert groups == {"short", "new wording", "says more", "elsewhere"}
    intents = SCRIPT.intents(SCRIPT.steps["hello"])
    assert all((item.intent in intents) == (item.group != "elsewhere") for item in said)
    assert len({(item.group, item.text) for item in said}) == len(said)


def test_only_hello_has_answers_that_say_more() -> None:
    assert {item.group for item in items(SCRIPT, "q3")} == {"short", "new wording", "elsewhere"}


@pytest.mark.parametrize(
    ("pairs", "shares"),
    [
        ([("yes", "yes"), ("yes", None), ("yes", "no"), (None, None)], (0.5, 0.25, 0.25)),
        ([(None, "yes")], (0, 0, 1)),
        ([], (0, 0, 0)),
    ],
)
def test_nothing_understood_is_right_only_where_nothing_was_meant(
    pairs: list[tuple[str | None, str | None]], shares: tuple[float, float, float]
) -> None:
    assert meanings(pairs) == shares
