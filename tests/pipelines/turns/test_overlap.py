"""What is said over us, and what it means: words, and the sound where they are doubted."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.flow import Question
from engine.frames import SpeechEnded
from pipelines.turns.barge_in import BargeIn, Decision
from pipelines.turns.overlap import (
    ASIDE,
    EARLY_S,
    FALSE_ALARMS,
    SURE,
    WORDED_S,
    Early,
    Overlap,
)
from pipelines.turns.utterance import Utterance

RULES = BargeIn.of(["mm", "oui", "d'accord"], ["stop", "attendez"])
UNSURE = SURE - 0.1

_phase = 2 * np.pi * 110 * np.arange(8000) / 16000
VOICE = (400 * np.sum([np.sin(n * _phase) for n in range(1, 20)], axis=0)).astype("<i2").tobytes()
COUGH = (4000 * np.random.default_rng(3).standard_normal(8000)).astype("<i2").tobytes()


class Mouth:
    def __init__(self) -> None:
        self.asked: list[tuple[int, float, float]] = []

    def echoes(self, heard: bytes, until: float, floor: float) -> bool:
        self.asked.append((len(heard), until, floor))
        return True


class Gate:
    floor = 100.0
    pending = b""


def _overlap(early: Early | None = None) -> Overlap:
    return Overlap(Mouth(), Gate(), RULES, early)


def _said(
    text: str = "", sound: bytes = VOICE, *, gain: float = 1.0, asked: bool = False
) -> Utterance:
    question = Question("q", expects="choice")
    utterance = Utterance(1.0, question, over=1, asked=asked, taken=True, heard=text)
    if sound:
        utterance.hear((np.frombuffer(sound, "<i2") * gain).astype("<i2").tobytes())
    return utterance


# Words


@pytest.mark.parametrize(
    ("text", "asked", "decision"),
    [
        ("", False, Decision.RESUME),
        ("oui d'accord", False, Decision.RESUME),
        ("[unk]", False, Decision.RESUME),
        ("euh", True, Decision.RESUME),
        ("oui", True, Decision.INTERRUPT),  # an answer to the question that plays
        ("livret", False, Decision.INTERRUPT),
        ("oui attendez", False, Decision.INTERRUPT),
    ],
)
def test_words_that_are_sure_decide(text: str, asked: bool, decision: Decision) -> None:
    assert _overlap().ended(_said(text, asked=asked), 0.9) is decision
    assert _overlap().ended(_said(text, asked=asked), None) is decision


@pytest.mark.parametrize("text", ["bof", "yoff", "alors", "les enfants"])
def test_words_that_are_doubted_interrupt_if_a_voice_said_them(text: str) -> None:
    assert _overlap().ended(_said(text), UNSURE) is Decision.INTERRUPT
    assert _overlap().ended(_said(text, COUGH), UNSURE) is Decision.RESUME
    assert _overlap().ended(_said(text, COUGH), SURE) is Decision.INTERRUPT


def test_a_stop_word_interrupts_however_it_sounded() -> None:
    assert _overlap().ended(_said("stop", COUGH), 0.1) is Decision.INTERRUPT


@pytest.mark.parametrize(
    ("early", "text", "decision"),
    [
        ("oui", "huit", Decision.RESUME),
        ("oui", "huit heures", Decision.INTERRUPT),
        ("unknown", "huit", Decision.INTERRUPT),
        ("stop", "alors", Decision.INTERRUPT),
        ("", "alors", Decision.INTERRUPT),
        (None, "alors", Decision.INTERRUPT),
    ],
)
def test_a_doubted_word_that_began_like_a_backchannel_is_one(
    early: str | None, text: str, decision: Decision
) -> None:
    utterance = _said(text)
    utterance.early = early
    assert _overlap().ended(utterance, UNSURE) is decision


@pytest.mark.parametrize(
    ("early", "confidence", "decision"),
    [
        ("oui", 0.9, Decision.RESUME),
        ("oui", 0.95, Decision.INTERRUPT),
        ("oui", None, Decision.INTERRUPT),
        ("", 0.9, Decision.INTERRUPT),
        ("alors", 0.9, Decision.INTERRUPT),
    ],
)
def test_a_word_after_what_began_like_a_backchannel_must_be_sure(
    early: str, confidence: float | None, decision: Decision
) -> None:
    """With an echo "oui oui" is "oui deux"."""
    utterance = _said("oui deux")
    utterance.early = early
    assert _overlap().ended(utterance, confidence) is decision


@pytest.mark.parametrize(
    ("early", "text", "confidence", "decision"),
    [
        ("quand", "hum", 0.5, Decision.INTERRUPT),
        ("quand unknown", "hum", 0.5, Decision.INTERRUPT),
        ("quand", "hum", 0.95, Decision.RESUME),
        ("quand", "hum", None, Decision.RESUME),
        ("quand", "oui", SURE, Decision.RESUME),
        ("quand", "oui", UNSURE, Decision.INTERRUPT),
        ("attends", "d'accord", 0.9, Decision.INTERRUPT),
        ("attends", "d'accord", 0.95, Decision.RESUME),
        ("unknown", "d'accord", UNSURE, Decision.RESUME),
        ("quand", "", None, Decision.RESUME),
        ("hum unknown", "hum", SURE, Decision.RESUME),
        ("hum unknown", "hum", UNSURE, Decision.INTERRUPT),
        ("", "hum", 0.5, Decision.RESUME),
    ],
)
def test_doubted_words_of_no_content_that_began_like_others_are_these(
    early: str, text: str, confidence: float | None, decision: Decision
) -> None:
    """In noise "stop" is "hum" or "d'accord"."""
    utterance = _said(text)
    utterance.early = early
    assert _overlap().ended(utterance, confidence) is decision


def test_a_doubted_hesitation_without_a_voice_is_a_cough() -> None:
    utterance = _said("hum", COUGH)
    utterance.early = "hum unknown"
    assert _overlap().ended(utterance, UNSURE) is Decision.RESUME


@pytest.mark.parametrize(
    ("text", "after_s", "decision"),
    [
        ("", 2.0, Decision.WAIT),
        ("attendez", 0.3, Decision.HOLD),  # in noise "ah bon" is "pardon" so far
        ("attendez", WORDED_S, Decision.HOLD),
        ("attendez monsieur", 0.3, Decision.HOLD),
        ("attendez monsieur", WORDED_S, Decision.INTERRUPT),
        ("à fort-de-france", WORDED_S - 0.1, Decision.WAIT),  # it may be "d'accord" yet
        ("à fort-de-france", WORDED_S, Decision.INTERRUPT),
        ("mon", WORDED_S, Decision.WAIT),
        ("oui d'accord", WORDED_S, Decision.WAIT),
    ],
)
def test_words_so_far_may_be_taken_back(text: str, after_s: float, decision: Decision) -> None:
    utterance = _said(text)
    assert _overlap().worded(utterance, utterance.started_at + after_s + 1e-6) is decision


def test_in_a_pause_a_backchannel_is_known_by_its_words_so_far() -> None:
    assert _overlap().paused(_said("oui")) is Decision.RESUME
    assert _overlap().paused(_said("oui mais")) is Decision.WAIT
    other = _said("d'accord")
    other.early = "unknown"
    assert _overlap().paused(other) is Decision.WAIT  # it becomes "attendez"
    assert _overlap().paused(_said("oui", asked=True)) is Decision.WAIT


# The beginning


def _early(text: str) -> tuple[list[bytes], Early]:
    looked: list[bytes] = []

    def early(pcm: bytes, tell: Callable[[str], None]) -> None:
        looked.append(pcm)
        tell(text)

    return looked, early


@pytest.mark.parametrize(
    ("text", "sound", "decision"),
    [
        ("oui", VOICE, Decision.RESUME),
        ("attendez", VOICE, Decision.WAIT),
        ("unknown", VOICE, Decision.WAIT),
        ("", COUGH, Decision.RESUME),
        ("", VOICE, Decision.WAIT),  # a voice that says nothing we know may say anything
    ],
)
def test_the_beginning_tells_backchannels_and_coughs(
    text: str, sound: bytes, decision: Decision
) -> None:
    looked, early = _early(text)
    utterance, told = _said(sound=sound), list[Decision]()
    overlap = _overlap(early)
    overlap.glimpse(utterance, utterance.started_at + EARLY_S - 0.01, told.append)
    assert (looked, told) == ([], [])
    for _ in range(2):  # it is looked at once
        overlap.glimpse(utterance, utterance.started_at + EARLY_S + 0.01, told.append)
    assert (looked, told, utterance.early) == ([sound], [decision], text)


def test_a_stop_word_so_far_outweighs_the_beginning() -> None:
    _, early = _early("oui")
    utterance, told = _said("oui attendez"), list[Decision]()
    _overlap(early).glimpse(utterance, utterance.started_at + EARLY_S + 0.01, told.append)
    assert told == [Decision.WAIT]


def test_without_an_early_ear_words_decide() -> None:
    utterance = _said()
    _overlap().glimpse(utterance, 9.0, lambda decision: pytest.fail(str(decision)))
    assert not utterance.glimpsed


# Who it is said to


def _after_answers(overlap: Overlap, *gains: float) -> Overlap:
    for gain in gains:
        answer = _said("oui bien sûr", gain=gain)
        answer.over = None
        overlap.was_said(answer)
    return overlap


@pytest.mark.parametrize(
    ("gain", "decision"),
    [
        (1.0, Decision.INTERRUPT),
        (1.05 * ASIDE, Decision.INTERRUPT),
        (0.95 * ASIDE, Decision.RESUME),
    ],
)
def test_what_is_much_fainter_than_the_callers_answers_is_said_to_somebody_else(
    gain: float, decision: Decision
) -> None:
    overlap = _after_answers(_overlap(), 1.0)
    utterance = _said("il fait beau", gain=gain)
    aside = decision is Decision.RESUME
    assert overlap.is_aside(utterance) is aside
    assert overlap.ended(utterance, 1.0) is decision
    assert overlap.lasted(utterance, 9.0) is decision
    assert overlap.worded(utterance, 9.0) is (Decision.WAIT if aside else decision)
    utterance.let_go = True
    assert overlap.is_believed(utterance, 9.0) is not aside


def test_a_stop_word_is_for_us_however_faint() -> None:
    overlap = _after_answers(_overlap(), 1.0)
    assert overlap.ended(_said("attendez", gain=0.1), 1.0) is Decision.INTERRUPT
    assert overlap.worded(_said("attendez", gain=0.1), 1.3) is Decision.HOLD
    assert overlap.worded(_said("attendez monsieur", gain=0.1), 9.0) is Decision.INTERRUPT


def test_a_caller_who_speaks_up_once_is_not_expected_to_shout() -> None:
    overlap = _after_answers(_overlap(), 0.4, 1.0, 0.4, 0.4)
    assert not overlap.is_aside(_said("il fait beau", gain=0.4))


def test_a_caller_who_was_not_heard_yet_may_be_faint() -> None:
    assert not _overlap().is_aside(_said("il fait beau", gain=0.05))


def test_what_interrupted_us_says_nothing_of_how_loud_answers_are() -> None:
    overlap, cut = _overlap(), _said("attendez")
    cut.cut, cut.over = True, None
    overlap.was_said(cut)
    assert not overlap.is_aside(_said("il fait beau", gain=0.05))


# What a line's sound is worth


def test_after_false_alarms_only_words_are_believed() -> None:
    overlap = _overlap()
    for _ in range(FALSE_ALARMS):
        assert overlap.is_believed(_said(), 0.1)
        overlap.was_nothing(_said())
    assert not overlap.is_believed(_said(), 0.1)
    overlap.was_said(_said("oui"))
    assert overlap.is_believed(_said(), 0.1)
    overlap.distrust()
    assert not overlap.is_believed(_said(), 0.1)


def test_backchannels_are_no_false_alarms() -> None:
    overlap = _overlap()
    for _ in range(FALSE_ALARMS):
        overlap.was_nothing(_said("oui"))
    assert overlap.is_believed(_said(), 0.1)


def test_a_short_doubted_sound_without_a_voice_is_a_cough() -> None:
    cough, word = _said("r", COUGH), _said("r")
    cough.ended = word.ended = SpeechEnded(1.3, 1.54)
    assert _overlap().is_voiceless(cough, UNSURE)
    assert not _overlap().is_voiceless(cough, SURE)
    assert not _overlap().is_voiceless(cough, None)
    assert not _overlap().is_voiceless(word, UNSURE)


def test_an_echo_is_looked_for_in_the_latest_sound() -> None:
    mouth = Mouth()
    overlap = Overlap(mouth, Gate(), RULES, None)
    utterance = _said(sound=VOICE * 3)
    assert overlap.is_ours(utterance, 1.5)
    utterance.echo = True
    overlap.is_ours(utterance, 1.6)
    assert mouth.asked == [(11520, 1.5, 50.0), (11520, 1.6, 100.0)]
