import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.speech.corpus import normalise, vocabulary


@pytest.mark.parametrize(
    ("written", "heard"),
    [
        ("J’ai un livret A, et une assurance‑vie !", "j'ai un livret a et une assurance-vie"),
        ("« Qu'est-ce que c'est ? »", "qu'est-ce que c'est"),
        ("À 18 heures", "à dix-huit heures"),
        ("le 06 12", "le zéro six douze"),
        ("e\u0301pargne", "épargne"),
        ("", ""),
        ("... - '", ""),
    ],
)
def test_french(written: str, heard: str) -> None:
    assert normalise(written, "fr") == heard


def test_english() -> None:
    assert normalise("It's 2 o’clock, isn't it?", "en") == "it's two o'clock isn't it"


@given(st.text())
def test_twice_is_once(text: str) -> None:
    once = normalise(text, "fr")
    assert normalise(once, "fr") == once


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_corpus_is_written_this_way(language: str) -> None:
    words = vocabulary(language)
    assert [word for word in words if normalise(word, language) != word] == []
