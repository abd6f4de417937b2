"""What counts as an interruption."""

from __future__ import annotations

import pytest

from pipelines.turns.barge_in import LONG_SPEECH_S, BargeIn, Decision, words

RULES = BargeIn.of(["mm", "oui", "d'accord", "très bien"], ["stop", "attendez"])


def test_words_are_compared_without_accents_case_or_apostrophes() -> None:
    assert words("D'accord, TRÈS bien !") == ["d", "accord", "tres", "bien"]


@pytest.mark.parametrize(
    ("text", "final", "in_question", "decision"),
    [
        ("", False, False, Decision.WAIT),
        ("", True, False, Decision.RESUME),
        ("oui oui", False, False, Decision.WAIT),
        ("oui oui", True, False, Decision.RESUME),
        ("d'accord très bien", True, False, Decision.RESUME),
        ("[unk]", True, False, Decision.RESUME),
        ("euh", True, True, Decision.RESUME),
        ("oui", True, True, Decision.INTERRUPT),  # an answer to the question that plays
        ("stop", False, False, Decision.INTERRUPT),
        ("oui attendez", False, False, Decision.INTERRUPT),
        ("mon", False, False, Decision.WAIT),  # one word may still be taken back
        ("mon livret", False, False, Decision.INTERRUPT),
        ("livret", True, False, Decision.INTERRUPT),
    ],
)
def test_what_was_said_decides(
    text: str, final: bool, in_question: bool, decision: Decision
) -> None:
    assert RULES.heard(text, final=final, in_question=in_question) is decision


def test_time_and_policy_decide() -> None:
    assert RULES.lasted(LONG_SPEECH_S - 0.01) is Decision.WAIT
    assert RULES.lasted(LONG_SPEECH_S) is Decision.INTERRUPT
    assert RULES.started("polite") is Decision.WAIT
    assert RULES.started("always") is Decision.INTERRUPT
