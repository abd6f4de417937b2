"""Cutting text into messages."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.messages import split


def test_between_sentences_where_it_can_be() -> None:
    assert split("One two. Three four? Five.", 20) == ["One two. Three four?", "Five."]


def test_else_between_words() -> None:
    assert split("One two three. Four.", 8) == ["One two", "three.", "Four."]


def test_else_within_one() -> None:
    assert split("abcdefghij k", 4) == ["abcd", "efgh", "ij k"]


def test_without_a_limit_it_stays_whole() -> None:
    assert split(" One. Two. ", 0) == ["One. Two."]
    assert split("  ", 5) == []


@given(st.text(), st.integers(1, 40))
def test_nothing_is_too_long_and_nothing_is_lost(text: str, max_chars: int) -> None:
    pieces = split(text, max_chars)
    assert all(0 < len(piece) <= max_chars for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
