from __future__ import annotations

from itertools import pairwise

import pytest

from pipelines.speech.espeak import EspeakVoice, Mark, library
from pipelines.speech.kaldi import phones
from pipelines.speech.kaldi.phones import PHONES, segments, speakable, transcribe


def test_symbols_follow_their_classes() -> None:
    for language in PHONES:
        symbols = phones.symbols(language)
        classes = phones.classes_of_symbols(language)
        assert symbols[:3] == ("SIL", f"{PHONES[language][1]}_B", f"{PHONES[language][1]}_E")
        assert len(symbols) == len(set(symbols)) == len(classes)
        for symbol, index in zip(symbols[1:], classes[1:], strict=True):
            assert symbol.rpartition("_")[0] == PHONES[language][index]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        (("u",), ("u_S",)),
        (("w", "i"), ("w_B", "i_E")),
        (("n", "O~", "z"), ("n_B", "O~_I", "z_E")),
    ],
)
def test_positions(word: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert phones.positioned(word) == expected


def test_liaison_is_heard_in_its_sentence() -> None:
    assert transcribe("les amis", "fr") == [("l", "e", "z"), ("a", "m", "i")]
    assert transcribe("les tables", "fr")[0] == ("l", "e")


def test_elided_words_are_said_with_the_next() -> None:
    together = transcribe("jusqu'à l'assurance", "fr")
    apart = transcribe("jusqu' à l' assurance", "fr")
    assert apart[0] == ("Z", "y", "s", "k")
    assert [apart[0] + apart[1], apart[2] + apart[3]] == together
    assert speakable("c' est l' eau") == "c'est l'eau"


def test_a_loan_word_is_said_with_french_phones() -> None:
    assert transcribe("un mail", "fr")[1] == ("m", "E", "l")
    assert transcribe("hello", "en") == [("hh", "ax", "l", "ow")]


def test_every_word_has_phones_of_its_language() -> None:
    text = "oui bonjour je voudrais parler à quelqu'un d' autre quatre-vingt-dix-neuf fois s m s"
    said = transcribe(text, "fr")
    assert len(said) == len(text.split())
    assert all(said)
    assert {phone for word in said for phone in word} <= set(PHONES["fr"])


def test_segments_fill_the_sound_in_order() -> None:
    text = "les amis ont l' eau"
    pcm, marks = library().trace(speakable(text), EspeakVoice())
    found = segments(text, marks, len(pcm) // 2, "fr")
    assert found[0].start == 0
    assert found[-1].end == len(pcm) // 2
    for before, after in pairwise(found):
        assert before.end == after.start
    words = [segment.word for segment in found if segment.word is not None]
    assert words == sorted(words)
    assert set(words) == {0, 1, 2, 3, 4}


def test_an_unknown_phoneme_is_named() -> None:
    with pytest.raises(ValueError, match="'C2' has no class in 'fr'"):
        segments("ich", [Mark("C2", 0, 0)], 100, "fr")
