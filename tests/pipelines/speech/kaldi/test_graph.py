from pathlib import Path

import pytest

from pipelines.speech.kaldi.graph import read_classes, write_graph
from pipelines.speech.kaldi.lexicon import Lexicon
from pipelines.speech.kaldi.ngram import estimate
from tests.pipelines.speech.kaldi.readers import Bytes, read_const, read_lookahead
from tests.pipelines.speech.kaldi.tones import CLASSES, hear, sound, write_acoustic

OUI, NON, A, BIEN = ("w", "i"), ("n", "O~"), ("a",), ("b", "j", "E~")
LEXICON: Lexicon = {
    "oui": {OUI: 1.0},
    "non": {NON: 1.0},
    "a": {A: 1.0},
    "à": {A: 1.0},
    "ah": {A: 1.0},
    "bien": {BIEN: 1.0},
    "les": {("l", "e"): 1.0, ("l", "e", "z"): 0.5},
}
TEXT = {"oui": 2, "non": 2, "oui bien": 1, "non a bien": 1, "à bien": 3, "ah oui": 4}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_acoustic(tmp_path)
    write_graph(tmp_path / "graph", CLASSES, LEXICON, estimate(TEXT, LEXICON))
    return tmp_path


def test_the_files_agree(model: Path) -> None:
    graph = model / "graph"
    words = [line.split() for line in (graph / "words.txt").read_text("utf-8").splitlines()]
    assert words[0] == ["<eps>", "0"]
    assert {word for word, _ in words[1:]} == {*LEXICON, "[unk]"}
    _, hcl, reachable, final = read_lookahead(Bytes((graph / "HCLr.fst").read_bytes()))
    _, g = read_const(Bytes((graph / "Gr.fst").read_bytes()))
    assert {arc[1] for arcs in hcl.arcs for arc in arcs} == {int(n) for _, n in words}
    assert len(reachable) == len(hcl.arcs)
    assert final == len(words)
    unknown = dict(words)["[unk]"]
    assert {arc[0] for arcs in g.arcs for arc in arcs} == {int(n) for _, n in words} - {
        int(unknown)
    }
    (disambiguation,) = map(int, (graph / "disambig_tid.int").read_text().split())
    assert disambiguation > max(arc[0] for arcs in hcl.arcs for arc in arcs)
    assert read_classes(graph) == CLASSES


@pytest.mark.integration
def test_vosk_hears_words_and_when(model: Path) -> None:
    found = hear(model, sound([OUI, None, NON, BIEN]))
    # 450 ms of silence, 90 ms a phone, 150 ms of pause; Vosk counts in steps of 30 ms
    times = [("oui", 0.45, 0.63), ("non", 0.78, 0.96), ("bien", 0.96, 1.23)]
    assert [word for word, _, _ in found] == [word for word, _, _ in times]
    for (_, *at), (_, *expected) in zip(found, times, strict=True):
        assert at == pytest.approx(expected, abs=0.031)


@pytest.mark.integration
@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([A, BIEN], "à bien"),  # words said alike: the language model's choice
        ([A, OUI], "ah oui"),
        ([NON, A, BIEN], "non a bien"),
        ([("l", "e", "z")], "les"),
        ([], ""),
        ([None], ""),
    ],
)
def test_vosk_hears(model: Path, said: list[tuple[str, ...] | None], words: str) -> None:
    assert " ".join(word for word, _, _ in hear(model, sound(said))) == words


@pytest.mark.integration
@pytest.mark.parametrize(
    ("grammar", "said", "words"),
    [
        (["oui", "non", "[unk]"], [OUI], "oui"),
        (["oui", "non", "[unk]"], [BIEN], "[unk]"),
        (["oui", "non", "[unk]"], [A], "[unk]"),
        (["oui", "non", "[unk]"], [OUI, None, BIEN], "oui [unk]"),
        (["à bien", "oui"], [A, BIEN], "à bien"),
        (["ah", "oui"], [A], "ah"),
        (["oui bien", "[unk]"], [OUI, BIEN], "oui bien"),
        (["oui", "jamais"], [OUI], "oui"),  # a word that the model does not have is left out
    ],
)
def test_vosk_takes_a_grammar_at_run_time(
    model: Path, grammar: list[str], said: list[tuple[str, ...] | None], words: str
) -> None:
    assert " ".join(word for word, _, _ in hear(model, sound(said), grammar)) == words
