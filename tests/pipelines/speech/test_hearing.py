"""Which of two recognisers to believe, and what Vosk's results become."""

import json
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from engine.errors import SpeechError
from pipelines.speech.hearing import PLAUSIBLE, SURE, Heard, Hearing, choose, is_sure


@pytest.mark.parametrize(
    ("expected", "sure"),
    [
        (Heard(), True),  # silence
        (Heard("oui", SURE), True),
        (Heard("oui", SURE - 0.01), False),
        (Heard("oui", 1.0, unknown=True), False),
        (Heard(unknown=True), False),
    ],
)
def test_expected_words_are_believed_if_nothing_else_was_said(expected: Heard, sure: bool) -> None:
    assert is_sure(expected) is sure


@pytest.mark.parametrize(
    ("expected", "anything", "text"),
    [
        (Heard(unknown=True), Heard("je voudrais parler", PLAUSIBLE), "je voudrais parler"),
        (Heard(unknown=True), Heard("nathalie", PLAUSIBLE - 0.01), ""),
        (Heard("pas", 0.6), Heard("nathalie", 0.2), ""),
        (Heard("oui", 0.6), Heard("oui", 0.6), "oui"),  # both say so
        (Heard("oui", 0.6, unknown=True), Heard("oui", 0.6), ""),
        (Heard("oui", 0.6), Heard(), ""),
    ],
)
def test_what_does_not_fit_must_be_plausible(expected: Heard, anything: Heard, text: str) -> None:
    chosen = choose(expected, anything)
    assert chosen.text == text
    assert (chosen.confidence is None) == (not text)


class FakeKaldi:
    """Returns results in turn: at the end of a part, so far, at the end."""

    results: list[dict[str, Any]]
    parts: list[bool]

    def __init__(self, *arguments: Any) -> None:
        if arguments[-1] == "broken":
            raise RuntimeError

    def SetWords(self, words: bool) -> None:  # noqa: N802 Vosk's name
        assert words

    def AcceptWaveform(self, pcm: bytes) -> bool:  # noqa: N802 Vosk's name
        return self.parts.pop(0)

    def _next(self) -> str:
        return json.dumps(self.results.pop(0))

    Result = PartialResult = FinalResult = _next

    def Reset(self) -> None:  # noqa: N802 Vosk's name
        pass


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "vosk", SimpleNamespace(KaldiRecognizer=FakeKaldi))


def words(text: str, confidence: float) -> dict[str, Any]:
    result = [{"word": word, "conf": confidence} for word in text.split()]
    return {"text": text, "result": result} if text else {"text": ""}


def test_the_parts_of_an_utterance_are_one() -> None:
    hearing = Hearing(None, None)
    FakeKaldi.parts = [True, False]
    FakeKaldi.results = [words("oui [unk]", 0.8), {"partial": "mais"}, words("mais non", 0.4)]
    hearing.feed(b"")
    hearing.feed(b"")
    assert hearing.partial() == ("oui mais", True)
    heard = hearing.final()
    assert (heard.text, heard.unknown) == ("oui mais non", True)
    assert heard.confidence == pytest.approx(0.533, abs=0.001)
    hearing.reset()
    FakeKaldi.results = [words("", 0)]
    assert hearing.final() == Heard()


def test_a_part_that_was_closed_just_now_has_no_partial() -> None:
    hearing = Hearing(None, None)
    FakeKaldi.parts = [True]
    FakeKaldi.results = [words("oui", 0.8), {"text": ""}]  # as Vosk answers at that moment
    hearing.feed(b"")
    assert hearing.partial() == ("oui", False)


def test_more_than_sure_is_sure() -> None:
    """Vosk's confidences are sums of floats."""
    hearing = Hearing(None, "grammar")
    FakeKaldi.results = [words("oui", 1.000002)]
    assert hearing.final().confidence == 1.0


def test_a_grammar_that_vosk_refuses_is_an_error_that_says_so() -> None:
    with pytest.raises(SpeechError, match="check that the grammar"):
        Hearing(None, "broken")
