"""What is known of something that is being said."""

from __future__ import annotations

import numpy as np
import pytest

from engine.flow import Question
from engine.frames import SpeechEnded
from pipelines.turns.utterance import KEPT_BYTES, Utterance

LOUD = np.tile([3000, -3000], 800).astype("<i2").tobytes()
"""A tenth of a second."""


def test_words_of_ours_are_not_the_callers() -> None:
    utterance = Utterance(1.0, Question("q"), over=3, echo=True, heard="avez-vous un")
    utterance.begin_after_ours(2.0)
    utterance.heard = "avez-vous un non merci"
    assert (utterance.text, utterance.started_at, utterance.echo) == ("non merci", 2.0, False)


def test_only_a_line_that_must_be_heard_is_protected() -> None:
    must = Question("q", barge_in="never")
    assert Utterance(1.0, must, over=3).protected
    assert not Utterance(1.0, must).protected
    assert not Utterance(1.0, Question("q"), over=3).protected


def test_its_loudest_tenth_of_a_second_says_how_loud_it_is() -> None:
    utterance = Utterance(1.0, Question("q"))
    utterance.hear(bytes(9600) + LOUD)
    assert utterance.loudest == pytest.approx(3000)
    utterance.hear(bytes(3200))
    assert utterance.loudest == pytest.approx(3000)


def test_its_latest_two_seconds_are_kept() -> None:
    utterance = Utterance(1.0, Question("q"))
    for _ in range(30):
        utterance.hear(LOUD)
    assert bytes(utterance.sound) == LOUD * (KEPT_BYTES // len(LOUD))


@pytest.mark.parametrize(
    ("ended", "short"),
    [(None, False), (SpeechEnded(1.5, 1.74), True), (SpeechEnded(1.7, 1.94), False)],
)
def test_a_cough_is_short(ended: SpeechEnded | None, short: bool) -> None:
    assert Utterance(1.0, Question("q"), ended=ended).short is short
