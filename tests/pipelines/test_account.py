"""Who speaks how much, and how they take turns."""

from __future__ import annotations

from pipelines.account import account
from pipelines.listening import Utterance


def said(text: str, began_at: float, ended_at: float) -> Utterance:
    return Utterance(text, None, began_at, ended_at)


def test_a_conversation() -> None:
    result = account(
        [
            ("caller", said("bonjour madame", 11.0, 12.0)),
            ("agent", said("bonjour que puis-je pour vous", 12.5, 14.0)),
            ("agent", said("allô", 17.0, 17.5)),
            ("caller", said("oui", 17.25, 18.0)),
        ],
        since=10.0,
        now=20.0,
    )
    assert result == {
        "lasts_s": 10.0,
        "sides": {
            "caller": {"talk_s": 1.75, "words": 3, "utterances": 2, "interruptions": 1},
            "agent": {"talk_s": 2.0, "words": 6, "utterances": 2, "interruptions": 0},
        },
        "overlap_s": 0.25,
        "silence_s": 6.5,
        "longest_silence_s": 3.0,
        "answers_s": 0.5,
    }


def test_words_that_are_known_late_are_where_they_were_said() -> None:
    result = account(
        [("agent", said("deux", 3.0, 4.0)), ("caller", said("un", 1.0, 2.0))], since=0.0, now=4.0
    )
    assert result["answers_s"] == 1.0
    assert result["silence_s"] == 2.0


def test_one_within_another_is_an_interruption_and_no_end() -> None:
    result = account(
        [
            ("caller", said("une longue phrase", 0.0, 5.0)),
            ("agent", said("mm", 1.0, 1.5)),
            ("agent", said("d'accord", 6.0, 7.0)),
        ],
        since=0.0,
        now=7.0,
    )
    assert result["sides"]["agent"]["interruptions"] == 1
    assert result["answers_s"] == 1.0
    assert result["overlap_s"] == 0.5


def test_where_nobody_spoke() -> None:
    assert account([], since=5.0, now=8.0) == {
        "lasts_s": 3.0,
        "sides": {},
        "overlap_s": 0.0,
        "silence_s": 3.0,
        "longest_silence_s": 3.0,
        "answers_s": None,
    }


def test_sound_from_before_the_beginning() -> None:
    result = account([("caller", said("oui", 4.9, 5.5))], since=5.0, now=5.2)
    assert result["silence_s"] == 0.0
