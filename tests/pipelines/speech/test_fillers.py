"""Which filler is said, when, and never the same twice in a row."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.budget import Mark
from engine.ladder import ENOUGH, StepDown
from engine.turn import Turn
from pipelines.speech.fillers import GRACE_S, Fillers, Lateness

LINES = {
    "any": ("Alors…", "Voyons…"),
    "question": ("Bonne question…", "Alors, voyons…"),
    "number": ("Je note…",),
    "work": ("Un instant…", "Je regarde…"),
}
SOUND = b"\1\0" * 160


def fillers(seed: str = "s1", lateness: Lateness | None = None) -> Fillers:
    return Fillers(LINES, lambda line: SOUND, "fr", seed, lateness=lateness)


def understood(heard: str = "oui") -> Turn:
    turn = Turn(1, heard=heard)
    for at, mark in enumerate((Mark.SPEECH_END, Mark.ENDPOINT, Mark.TRANSCRIPT, Mark.INTENT)):
        turn.mark(mark, 100 + at / 10)
    return turn


@pytest.mark.parametrize(
    ("heard", "works", "occasion"),
    [
        ("oui d'accord", False, "any"),
        ("et vous êtes qui", False, "question"),
        ("combien ça coûte", False, "question"),
        ("est-ce que c'est gratuit", False, "question"),
        ("c'est gratuit ?", False, "question"),
        ("j'en ai vingt-deux", False, "number"),
        ("le 12 mars", False, "number"),
        ("combien ça coûte", True, "work"),
    ],
)
def test_it_fits_the_occasion(heard: str, works: bool, occasion: str) -> None:
    chosen = fillers().choose(heard, works=works)
    assert chosen is not None
    line, sound = chosen
    assert line in LINES[occasion]
    assert sound == SOUND


@given(st.text(max_size=5), st.lists(st.sampled_from(["oui", "qui", "deux"]), max_size=20))
def test_never_the_same_twice_in_a_row(seed: str, heard: list[str]) -> None:
    def said() -> list[str]:
        some = fillers(seed)
        return [chosen[0] for text in heard if (chosen := some.choose(text, works=False))]

    assert all(one != other for one, other in pairwise(said()))
    assert said() == said()


def test_what_has_no_sound_at_hand_is_not_said() -> None:
    assert Fillers(LINES, lambda line: None, "fr", "s").choose("oui", works=False) is None
    assert Fillers({}, lambda line: SOUND, "fr", "s").choose("oui", works=False) is None


def test_occasions_without_lines_and_other_languages_have_the_general_ones() -> None:
    some = Fillers({"any": ("Well…",)}, lambda line: SOUND, "de", "s")
    chosen = some.choose("wer?", works=True)
    assert chosen is not None
    assert chosen[0] == "Well…"
    assert Fillers(LINES, lambda line: SOUND, "de", "s").choose("wer?", works=False) is not None


def test_it_is_due_when_the_sound_should_have_been_there() -> None:
    due = fillers().due(understood(), 100.3)
    assert due is not None
    assert due[0] == pytest.approx(100.75)  # 250 + 100 + 250 + 150 after the last sound
    assert due[1] == StepDown("answer", "late")


def test_it_is_due_at_once_where_the_last_answers_were_late() -> None:
    lateness = Lateness()
    for _ in range(ENOUGH):
        lateness.took(1.5)
    due = fillers(lateness=lateness).due(understood(), 100.3)
    assert due == (100.3 + GRACE_S, StepDown("answer", "predicted"))


def test_answers_that_come_at_once_say_nothing_about_the_others() -> None:
    lateness = Lateness()
    for _ in range(3 * ENOUGH):
        lateness.took(0.002)
    assert not lateness.recent_s


def test_nobody_waits_for_what_nobody_asked_for() -> None:
    assert fillers().due(understood(heard=""), 100.3) is None
    assert Fillers({}, lambda line: SOUND, "fr", "s").due(understood(), 100.3) is None
