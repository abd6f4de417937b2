from pathlib import Path

import pytest

from engine.errors import SpeechError
from pipelines.speech.kaldi.build import build_graph, can_extend, extend
from pipelines.speech.kaldi.lexicon import read_lexicon
from tests.pipelines.speech.kaldi.tones import heard, write_acoustic

pytestmark = pytest.mark.integration

SENTENCES = [
    *["oui", "non"] * 8,
    "oui je veux bien",
    "non merci",
    "les amis",
    "les chats",
    "les enfants",
    "un livret",
]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "model"
    write_acoustic(path)
    build_graph(path / "graph", "fr", SENTENCES, ["week-end", "aujourd'hui"])
    return path


@pytest.mark.parametrize("text", [*dict.fromkeys(SENTENCES), "week-end", "les chats, merci"])
def test_what_it_was_built_from_is_heard(model: Path, text: str) -> None:
    assert heard(model, text) == text.replace(",", "")


def test_liaisons_are_known(model: Path) -> None:
    usual, before_vowel = read_lexicon(model / "graph" / "lexiconp.txt")["les"]
    assert before_vowel == (*usual, "z")


def test_the_same_sentences_give_the_same_bytes(model: Path, tmp_path: Path) -> None:
    build_graph(tmp_path / "again", "fr", SENTENCES, ["aujourd'hui", "week-end"])
    files = [path for path in (model / "graph").rglob("*") if path.is_file()]
    assert len(files) == 8
    for path in files:
        again = tmp_path / "again" / path.relative_to(model / "graph")
        assert again.read_bytes() == path.read_bytes(), path.name


def test_a_model_is_given_words(model: Path, tmp_path: Path) -> None:
    steps: list[str] = []
    target = tmp_path / "more"
    wanted = ["je veux un rendez-vous", "un rendez-vous", "oui"]
    done = extend(model, target, "fr", wanted, steps.append)
    assert done.new.keys() == {"rendez-vous"}
    assert done.words == len(read_lexicon(target / "graph" / "lexiconp.txt"))
    assert len(steps) == 3
    assert heard(target, "je veux un rendez-vous") == "je veux un rendez-vous"
    assert heard(target, "oui je veux bien") == "oui je veux bien"
    assert heard(target, "rendez-vous", ["rendez-vous", "[unk]"]) == "rendez-vous"
    assert heard(model, "rendez-vous", ["oui", "[unk]"]) == "[unk]"


def test_again_and_again(model: Path, tmp_path: Path) -> None:
    extend(model, tmp_path / "more", "fr", ["un rendez-vous"])
    done = extend(tmp_path / "more", tmp_path / "most", "fr", ["un crocodile"])
    assert done.new.keys() == {"crocodile"}
    for text in ("un rendez-vous", "un crocodile", "non merci"):
        assert heard(tmp_path / "most", text) == text


def test_a_model_that_keeps_nothing(model: Path, tmp_path: Path) -> None:
    assert can_extend(model)
    (model / "graph" / "lm.arpa.gz").unlink()
    assert not can_extend(model)
    with pytest.raises(SpeechError, match="does not keep"):
        extend(model, tmp_path / "more", "fr", ["oui"])


def test_a_model_with_other_phones(model: Path, tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="other phones"):
        extend(model, tmp_path / "more", "en", ["yes"])


def test_what_cannot_be_said(model: Path, tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="says nothing for '-'"):
        extend(model, tmp_path / "more", "fr", ["oui -"])
