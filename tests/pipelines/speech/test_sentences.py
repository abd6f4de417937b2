import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.frames import Delta, Dtmf, Frame, Say
from pipelines.speech.sentences import Sentences


def cut(text: str, size: int = 3, **limits: int) -> list[str]:
    """`text` as it comes out of a model, `size` characters at a time."""
    sentences = Sentences(**limits)
    out: list[Frame] = []
    for at in range(0, len(text), size):
        out += sentences.feed(Delta(text[at : at + size]))
    out += sentences.feed(Delta(""))
    return [frame.text for frame in out if isinstance(frame, Say)]


@pytest.mark.parametrize(
    "lines",
    [
        ["Bonjour !", "Comment allez-vous ?", "Je vous écoute."],
        ["Bonjour M. Dupont.", "Mme Durand et le Dr. J. Martin vous attendent."],
        ["Le taux est de 3,5 % par an.", "It was 3.5 before."],
        ["Vous avez un livret A.", "Très bien."],
        ["Je... je ne sais pas… enfin si.", "Attendez…", "Voilà."],
        ["« Bonjour ! » dit-elle.", "« Oui. »", "Elle part."],
        ['He said "no." Then he left.'],
        ["He left (at last).", "She stayed."],
        ["Voyez https://palabre.example/a?b=1.5&c=d pour la suite.", "Merci."],
        ["Écrivez à a.b@example.org.", "Merci."],
        ["Un livret, un PEL, etc. et voilà.", "Des actions, etc.", "Ensuite on verra."],
        ["Voir art. 5 et p. 12.", "Fini."],
        ["1. Le livret A est sans risque.", "2. Le PEL est bloqué."],
        ["Really?!", "Yes.", "Mr. Smith vs. Mrs. Jones."],
        ["Premier point", "second point"],
    ],
)
def test_sentences(lines: list[str]) -> None:
    text = ("\n" if lines[0] == "Premier point" else " ").join(lines)
    wanted = ['He said "no."', "Then he left."] if "He said" in lines[0] else lines
    for size in (1, 4, 1000):
        assert cut(text, size, first_chars=1000) == wanted


def test_a_sentence_goes_out_at_the_space_after_it() -> None:
    sentences = Sentences()
    assert not list(sentences.feed(Delta("Très bien.")))
    assert list(sentences.feed(Delta(" "))) == [Say("Très bien.")]
    assert not list(sentences.feed(Delta("Avez-vous un livret A ?")))
    assert sentences.flush() == [Say("Avez-vous un livret A ?", question=True)]
    assert sentences.flush() == []


def test_a_line_that_passes_ends_the_text_before_it() -> None:
    sentences = Sentences()
    assert list(sentences.feed(Dtmf("1", 0.0))) == [Dtmf("1", 0.0)]
    assert not list(sentences.feed(Delta("Je regarde")))
    assert list(sentences.feed(Say("Voilà."))) == [Say("Je regarde"), Say("Voilà.")]


def test_a_long_first_sentence_is_cut_at_a_comma_and_later_ones_are_not() -> None:
    text = (
        "Je comprends tout à fait votre question sur l'épargne, et je vais vous répondre. "
        "Le livret A est une épargne qui reste toujours disponible, et le PEL ne l'est pas."
    )
    assert cut(text) == [
        "Je comprends tout à fait votre question sur l'épargne,",
        "et je vais vous répondre.",
        "Le livret A est une épargne qui reste toujours disponible, et le PEL ne l'est pas.",
    ]
    assert cut("Oui, bien sûr.") == ["Oui, bien sûr."]


def test_a_number_is_not_cut() -> None:
    text = "Votre épargne rapporte depuis le mois de mars 3, 5 ou 7 euros."
    assert cut(text) == [text]


def test_a_text_without_end_is_cut_at_a_space() -> None:
    lines = cut("mot " * 200)
    assert all(len(line) <= 300 and line.endswith("mot") for line in lines)
    assert " ".join(lines) == ("mot " * 200).strip()
    assert cut("a" * 650) == ["a" * 300, "a" * 300, "a" * 50]
    clause = "mot " * 50 + "virgule, " + "mot " * 40
    assert cut(clause, first_chars=1000)[0].endswith("virgule,")


@pytest.mark.parametrize("text", ["", " ", "…", "!!! ", "» \n"])
def test_what_cannot_be_spoken_is_no_line(text: str) -> None:
    assert cut(text) == []


TEXT = st.text(st.sampled_from("aàA1 M.,;!?…«»\"')\n"), max_size=200)


@given(TEXT, st.integers(1, 50))
def test_nothing_is_lost_however_it_comes(text: str, size: int) -> None:
    lines = cut(text, size, max_chars=60)
    assert [c for line in lines for c in line if c.isalnum()] == [c for c in text if c.isalnum()]
    assert all(line.strip() == line and len(line) <= 60 for line in lines)


@given(TEXT)
def test_the_lines_do_not_depend_on_the_pieces(text: str) -> None:
    assert cut(text, 1, max_chars=60) == cut(text, 7, max_chars=60) == cut(text, 500, max_chars=60)
