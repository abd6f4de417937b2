"""What counts as an interruption."""

from __future__ import annotations

import pytest

from engine.flow import Question
from pipelines.turns.barge_in import LONG_SPEECH_S, BargeIn, Decision, words

RULES = BargeIn.of(["mm", "oui", "d'accord", "très bien"], ["stop", "attendez"])


def test_words_are_compared_without_accents_case_or_apostrophes() -> None:
    assert words("D'accord, TRÈS bien !") == ["d", "accord", "tres", "bien"]


@pytest.mark.parametrize(
    ("text", "asked", "content"),
    [
        ("", "", []),
        ("oui oui", "", []),
        ("d'accord très bien", "", []),
        ("[unk]", "", []),
        ("euh", "choice", []),
        ("oui", "choice", ["oui"]),  # an answer to the question that plays
        ("oui", "anything", ["oui"]),
        ("oui", "name", []),  # no name
        ("oui dupont", "name", ["dupont"]),
        ("mon livret", "", ["mon", "livret"]),
    ],
)
def test_backchannels_and_hesitations_take_no_turn(
    text: str, asked: str, content: list[str]
) -> None:
    asking = Question("q", expects=asked) if asked else None
    assert RULES.content(text, asking) == content


def test_stop_words_do() -> None:
    assert RULES.stops("oui attendez")
    assert not RULES.stops("oui oui")


def test_time_and_policy_decide() -> None:
    assert RULES.lasted(LONG_SPEECH_S - 0.01) is Decision.WAIT
    assert RULES.lasted(LONG_SPEECH_S) is Decision.INTERRUPT
    assert RULES.started("polite") is Decision.WAIT
    assert RULES.started("always") is Decision.INTERRUPT
