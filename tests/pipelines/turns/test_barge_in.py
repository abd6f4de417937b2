"""What counts as an interruption."""

from __future__ import annotations

import pytest

from engine.flow import Question
from pipelines.turns.barge_in import LONG_SPEECH_S, BargeIn, Decision, words

RULES = BargeIn.of(["mm", "oui", "d'accord", "très bien"], ["stop", "attendez"])


def test_words_are_compared_without_accents_case_or_apostrophes() -> None:
    assert words("D'accord, TRÈS bien !") == ["d", "accord", "tres", "bien"]


@pytest.mark.parametrize(
    ("text", "final", "asked", "decision"),
    [
        ("", False, "", Decision.WAIT),
        ("", True, "", Decision.RESUME),
        ("oui oui", False, "", Decision.WAIT),
        ("oui oui", True, "", Decision.RESUME),
        ("d'accord très bien", True, "", Decision.RESUME),
        ("[unk]", True, "", Decision.RESUME),
        ("euh", True, "choice", Decision.RESUME),
        ("oui", True, "choice", Decision.INTERRUPT),  # an answer to the question that plays
        ("oui", True, "anything", Decision.INTERRUPT),
        ("oui", True, "name", Decision.RESUME),  # no name
        ("oui dupont", True, "name", Decision.INTERRUPT),
        ("stop", False, "", Decision.INTERRUPT),
        ("oui attendez", False, "", Decision.INTERRUPT),
        ("mon", False, "", Decision.WAIT),  # one word may still be taken back
        ("mon livret", False, "", Decision.INTERRUPT),
        ("livret", True, "", Decision.INTERRUPT),
    ],
)
def test_what_was_said_decides(text: str, final: bool, asked: str, decision: Decision) -> None:
    asking = Question("q", expects=asked) if asked else None
    assert RULES.heard(text, final=final, asking=asking) is decision


def test_time_and_policy_decide() -> None:
    assert RULES.lasted(LONG_SPEECH_S - 0.01) is Decision.WAIT
    assert RULES.lasted(LONG_SPEECH_S) is Decision.INTERRUPT
    assert RULES.started("polite") is Decision.WAIT
    assert RULES.started("always") is Decision.INTERRUPT
