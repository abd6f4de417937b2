"""What French and English share."""

import pytest

from pipelines.speech.spoken.rules import Address, apply, grouped, one_of, pairs, rule, whole

ADDRESS = Address({"@": "at", ".": "dot", "/": "slash", "-": "dash"}).rules()


@pytest.mark.parametrize(
    ("digits", "said"), [("0612", "06, 12"), ("612", "6, 12"), ("6", "6"), ("", "")]
)
def test_pairs(digits: str, said: str) -> None:
    assert pairs(digits) == said


def test_groups_as_written() -> None:
    assert grouped("555-0123") == "5 5 5, 0 1 2 3"


@pytest.mark.parametrize("written", ["1250", "1 250", "1.250", "1,250", "1\u202f250"])
def test_grouped_digits_are_one_number(written: str) -> None:
    assert whole(written) == 1250


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("a.b@palabre.fr", "a dot b at palabre dot F R"),
        (
            "https://www.palabre.co.uk/help-me.",
            "www dot palabre dot co dot U K slash help dash me.",
        ),
        ("See palabre.com.", "See palabre dot com."),
        ("the end.Then", "the end.Then"),
    ],
)
def test_addresses(written: str, said: str) -> None:
    assert apply((), ADDRESS, written) == said


def test_numbers_are_looked_for_where_there_is_a_digit() -> None:
    numbers = (rule("x", "number"),)
    words = (one_of({"a": "one", "b": "two"}, after=r"\b"),)
    assert apply(numbers, words, "x a b ab") == "x one two atwo"
    assert apply(numbers, words, "x 1 a") == "number 1 one"
