"""How long a turn waits for more."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.flow import Question
from pipelines.turns.endpoint import (
    EXPECTATIONS,
    LONGEST_S,
    SHORTEST_S,
    USUAL_PAUSE_S,
    Endpointer,
    Pauses,
    Shape,
    shape,
)

CHOICE = Question("q", phrases=("oui", "oui bien sûr", "non merci", "j'en ai un"), expects="choice")
PHONE = Question("q", expects="digits", digits=10)


@pytest.mark.parametrize(
    ("question", "text", "expected"),
    [
        (CHOICE, "", Shape.OPEN),
        (CHOICE, "non merci", Shape.WHOLE),
        (CHOICE, "Non, merci.", Shape.WHOLE),
        (CHOICE, "oui", Shape.OPEN),  # more of it is expected as well
        (CHOICE, "j'en ai un", Shape.WHOLE),
        (CHOICE, "j'en ai", Shape.OPEN),
        (CHOICE, "non parce que", Shape.BROKEN_OFF),
        (PHONE, "zéro six douze", Shape.BROKEN_OFF),
        (PHONE, "zéro six douze trente-quatre cinquante-six soixante-dix-huit", Shape.WHOLE),
        (PHONE, "je ne sais pas", Shape.OPEN),
        (PHONE, "je n'ai pas le", Shape.BROKEN_OFF),
        (PHONE, "parfois", Shape.BROKEN_OFF),  # "un trois" that was misheard
        (PHONE, "", Shape.OPEN),
        (PHONE, "zéro six douze trente-quatre cinquante-six soixante-dix sept", Shape.WHOLE),
        (PHONE, "zéro six douze trente-quatre cinquante-six sept", Shape.OPEN),
        (Question("q", expects="digits"), "parfois", Shape.OPEN),
        (Question("q", expects="digits"), "zéro six", Shape.OPEN),
        (Question("q"), "c'est pour", Shape.BROKEN_OFF),
        (Question("q"), "c'est pour moi", Shape.OPEN),
    ],
)
def test_words_are_whole_or_break_off(question: Question, text: str, expected: Shape) -> None:
    assert shape(text, question, "fr") is expected


@pytest.mark.parametrize(
    ("question", "text", "wait_ms"),
    [
        (Question("q"), "", 240),
        (Question("q"), "j'ai un livret", 240),
        (Question("q"), "j'ai un", 950),
        (CHOICE, "non merci", 160),
        (PHONE, "zéro six", 1200),
        (PHONE, "zéro six douze trente-quatre cinquante-six soixante-dix-huit", 240),
        (Question("q", expects="open"), "j'ai un livret", 480),
        (Question("q", endpoint_ms=500), "j'ai un livret", 500),
        (Question("q", endpoint_ms=500), "j'ai un", 950),
        (Question("q", endpoint_ms=1000), "j'ai un", 1000),
    ],
)
def test_question_and_words_say_how_long(question: Question, text: str, wait_ms: int) -> None:
    endpointer = Endpointer(language="fr")
    endpointer.begin(question)
    assert endpointer.heard(text) * 1000 == pytest.approx(wait_ms)


def test_all_waits_go_with_the_setting() -> None:
    assert Endpointer(0.48).begin(Question("q")) == pytest.approx(0.48)


def test_without_word_lists_only_the_question_counts() -> None:
    endpointer = Endpointer(language="de")
    endpointer.begin(Question("q"))
    assert endpointer.heard("ich möchte ein") == pytest.approx(0.24)


def test_who_pauses_for_long_is_waited_for_and_who_does_not_is_believed_slowly() -> None:
    pauses = Pauses()
    pauses.learn(0.1)  # within a word
    assert pauses.estimate_s == USUAL_PAUSE_S
    pauses.learn(0.6)
    pauses.learn(0.6)
    slow = pauses.pace
    assert 1.9 < slow <= 2.5
    for _ in range(3):
        pauses.learn(0.15)
    assert 0.8 * slow < pauses.pace < slow
    for _ in range(200):
        pauses.learn(0.15)
    assert pauses.pace == 1.0


def test_only_who_broke_off_is_waited_for_longer() -> None:
    endpointer = Endpointer(language="fr")
    for _ in range(5):
        endpointer.pauses.learn(1.0)
    endpointer.begin(CHOICE)
    assert endpointer.heard("non merci") == pytest.approx(0.16)
    assert endpointer.heard("oui") == pytest.approx(0.24)
    assert endpointer.heard("oui mais") == LONGEST_S


def test_where_no_word_was_understood_more_may_come() -> None:
    assert Endpointer().nothing() == pytest.approx(0.95)
    assert Endpointer(2.0).nothing() == LONGEST_S


@given(
    st.lists(st.floats(0.0, 10.0), max_size=20),
    st.sampled_from(sorted(EXPECTATIONS)),
    st.text(max_size=20),
    st.integers(0, 1200),
    st.floats(0.1, 2.0),
)
def test_every_wait_is_bounded(
    learnt: list[float], expects: str, text: str, endpoint_ms: int, base_s: float
) -> None:
    endpointer = Endpointer(base_s, "fr")
    for pause_s in learnt:
        endpointer.pauses.learn(pause_s)
    endpointer.begin(Question("q", expects=expects, endpoint_ms=endpoint_ms))
    assert SHORTEST_S <= endpointer.heard(text) <= LONGEST_S
