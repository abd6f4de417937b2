"""When what was said is answered."""

from __future__ import annotations

import pytest

from engine.frames import Heard
from pipelines.turns.answers import DOUBT_S, Answers


class Told:
    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.expected: list[str] = []
        self.answers = Answers(self.heard.append, self.expected.append)

    def texts(self) -> list[str]:
        return [heard.text for heard in self.heard]


def _heard(text: str, end: float, confidence: float | None = None) -> Heard:
    return Heard(text, end, end + 0.24, end + 0.3, confidence)


def test_what_is_due_is_answered_at_once() -> None:
    told = Told()
    told.answers.add(_heard("oui", 1.0), 1.2, 1.3)
    assert told.heard == [_heard("oui", 1.0)]
    assert not told.answers.waiting
    assert told.expected == []


def test_what_breaks_off_waits_for_its_rest() -> None:
    told = Told()
    told.answers.add(_heard("je voudrais", 1.0, 0.9), 2.0, 1.3)
    told.answers.tick(1.9, sounding=False)
    assert told.heard == []
    told.answers.expect("un rendez-vous")
    told.answers.add(_heard("un rendez-vous", 2.6, 0.8), 2.8, 2.9)
    assert told.heard == [_heard("je voudrais un rendez-vous", 2.6, 0.8)]
    assert told.expected == ["je voudrais", "je voudrais un rendez-vous"]


def test_without_a_rest_it_is_answered_when_it_is_due() -> None:
    told = Told()
    told.answers.add(_heard("je voudrais", 1.0), 2.0, 1.3)
    told.answers.tick(2.0, sounding=False)
    assert told.heard == [Heard("je voudrais", 1.0, 2.0, 2.0)]
    assert not told.answers.waiting


def test_what_may_be_more_is_waited_for_not_for_ever() -> None:
    told = Told()
    told.answers.add(_heard("je voudrais", 1.0), 2.0, 1.3)
    told.answers.tick(2.0 + DOUBT_S - 0.02, sounding=False, doubtful=True)
    assert told.heard == []
    told.answers.tick(2.0 + DOUBT_S, sounding=False, doubtful=True)
    assert told.texts() == ["je voudrais"]


def test_words_are_not_lost_to_a_sound_without_any() -> None:
    told = Told()
    told.answers.add(_heard("je voudrais", 1.0, 0.9), 2.0, 1.3)
    told.answers.add(_heard("", 1.8), 1.8, 2.1)
    assert [(heard.text, heard.confidence) for heard in told.heard] == [("je voudrais", 0.9)]


def test_who_must_hear_us_out_is_answered_as_if_they_had_ended_with_us() -> None:
    told = Told()
    told.answers.add(_heard("non", 1.0), None, 1.3)
    told.answers.tick(3.0, sounding=True)
    assert (told.heard, told.expected) == ([], [])
    told.answers.tick(3.5, sounding=False)
    assert told.heard == [Heard("non", 3.5, 3.5, 3.5)]


def test_a_key_answers_instead() -> None:
    told = Told()
    told.answers.add(_heard("je voudrais", 1.0), 2.0, 1.3)
    told.answers.drop()
    told.answers.tick(2.0, sounding=False)
    assert told.heard == []


@pytest.mark.parametrize("all_known", [True, False])
def test_after_a_hang_up_no_pause_is_waited_out(all_known: bool) -> None:
    told = Told()
    told.answers.add(_heard("ne m'appelez plus et", 1.0), 2.0, 1.3)
    told.answers.conclude(1.4, all_known=all_known)
    assert told.texts() == ["ne m'appelez plus et"] * all_known
    if not all_known:  # the rest is recognised, and would wait as well
        told.answers.add(_heard("jamais", 1.3), 2.3, 1.5)
        assert told.texts() == ["ne m'appelez plus et jamais"]


def test_what_is_never_recognised_holds_nothing_up() -> None:
    told = Told()
    told.answers.add(_heard("stop", 1.0), 2.0, 1.3)
    told.answers.conclude(1.4, all_known=False)
    told.answers.conclude(2.4, all_known=False)
    assert told.texts() == ["stop"]
