from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import SpeechError
from pipelines.speech.kaldi.lexicon import Pronunciation, gather, read_lexicon, write_lexicon

SAID: dict[str, list[Pronunciation]] = {
    "les": [("l", "e")],
    "amis": [("a", "m", "i")],
    "les amis": [("l", "e", "z"), ("a", "m", "i")],
    "les chats": [("l", "e"), ("S", "a")],
    "chats": [("S", "a")],
    "hm": [()],
}


def test_a_word_is_said_as_in_its_sentences_and_alone() -> None:
    lexicon = gather(["les amis", "les chats"], SAID.__getitem__)
    assert lexicon["les"] == {("l", "e"): 1.0, ("l", "e", "z"): 0.5}
    assert lexicon["amis"] == {("a", "m", "i"): 1.0}


def test_an_accident_is_left_out() -> None:
    lexicon = gather(["les chats"] * 60 + ["les amis"], SAID.__getitem__)
    assert list(lexicon["les"]) == [("l", "e")]


def test_a_word_that_is_not_said_at_all() -> None:
    with pytest.raises(SpeechError, match="nothing for 'hm'"):
        gather(["hm"], SAID.__getitem__)


def test_a_sound_that_the_language_has_not() -> None:
    def transcribe(text: str) -> list[Pronunciation]:
        raise ValueError("phoneme 'x' has no class")

    with pytest.raises(SpeechError, match="cannot say 'loch': phoneme 'x'"):
        gather(["loch"], transcribe)


WORDS = st.text("abcdéà'-", min_size=1, max_size=6)
PRONUNCIATIONS = st.lists(st.sampled_from(["a", "E~", "2"]), min_size=1, max_size=3).map(tuple)
LEXICONS = st.dictionaries(
    WORDS,
    st.dictionaries(PRONUNCIATIONS, st.sampled_from([1.0, 0.5, 0.0204]), min_size=1, max_size=3),
    max_size=5,
)


@given(LEXICONS)
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, lexicon: dict[str, dict[Pronunciation, float]]
) -> None:
    path = tmp_path_factory.mktemp("lexicon") / "lexiconp.txt"
    write_lexicon(path, lexicon)
    assert read_lexicon(path) == lexicon


@pytest.mark.parametrize(
    ("line", "message"), [("oui 1", ":2: expected a word"), ("oui one w i", "'one' is no number")]
)
def test_a_damaged_file(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "lexiconp.txt"
    path.write_text(f"non 1 n O~\n{line}\n", encoding="utf-8")
    with pytest.raises(SpeechError, match=message):
        read_lexicon(path)
