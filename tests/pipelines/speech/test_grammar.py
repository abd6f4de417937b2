"""Phrases in the words of a model."""

import json

import pytest

from pipelines.speech.grammar import grammar, spelled, unknown_words

TOGETHER = {"l'assurance-vie", "rendez-vous", "ne", "m'appelez", "plus", "j'ai", "oui", "été", "un"}
APART = {"l'", "assurance", "vie", "rendez", "vous", "ne", "m'", "appelez", "plus", "j'", "ai"}


@pytest.mark.parametrize(
    ("phrase", "together", "apart"),
    [
        ("l'assurance-vie", "l'assurance-vie", "l' assurance vie"),
        ("L\N{RIGHT SINGLE QUOTATION MARK}assurance vie", "l'assurance-vie", "l' assurance vie"),
        ("un rendez-vous", "un rendez-vous", None),
        ("Ne m'appelez plus !", "ne m'appelez plus", "ne m' appelez plus"),
        ("j'ai été", "j'ai été", None),
        ("?", None, None),
    ],
)
def test_a_phrase_is_spelled_as_the_model_does(
    phrase: str, together: str | None, apart: str | None
) -> None:
    assert spelled(phrase, TOGETHER.__contains__) == together
    assert spelled(phrase, APART.__contains__) == apart


def test_a_phrase_with_an_unknown_word_is_left_out_whole() -> None:
    made = grammar(["oui", "ne m'appelez jamais", "j'ai été", "Oui"], TOGETHER.__contains__)
    assert made is not None
    assert json.loads(made) == ["oui", "j'ai été", "[unk]"]
    assert "été" in made  # Vosk reads no escapes


def test_no_known_phrase_is_no_grammar() -> None:
    assert grammar(["perlimpinpin"], TOGETHER.__contains__) is None
    assert grammar([], TOGETHER.__contains__) is None


def test_unknown_words_are_named_once_as_they_are_written() -> None:
    phrases = ["oui madame", "un rendez-vous madame", "l'assurance-vie", "bonjour madame"]
    assert unknown_words(phrases, TOGETHER.__contains__) == ["madame", "bonjour"]
