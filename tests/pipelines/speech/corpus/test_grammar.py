import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigurationError
from pipelines.speech.corpus.grammar import Grammar, lines
from pipelines.speech.corpus.numbers import SPELL


def grammar(**templates: str) -> Grammar:
    return Grammar({name: lines(block) for name, block in templates.items()}, SPELL["fr"])


def test_every_sentence_of_a_template() -> None:
    made = grammar(start="[oui] (j'ai|on a) <thing>, rien", thing="un pel, un livret")
    assert made.every("start", 100) == [
        "oui j'ai un pel", "oui j'ai un livret", "oui on a un pel", "oui on a un livret",
        "j'ai un pel", "j'ai un livret", "on a un pel", "on a un livret", "rien",
    ]  # fmt: skip
    assert made.count("start") == 9
    assert made.words("start") == {"oui", "j'ai", "on", "a", "un", "pel", "livret", "rien"}
    assert made.every("start", 2) == ["oui j'ai un pel", "oui j'ai un livret"]


def test_what_may_be_nothing_leaves_no_space() -> None:
    made = grammar(start="(|plutôt) le matin [(merci|<thanks>)]", thanks="merci bien")
    assert made.every("start", 10)[:3] == [
        "le matin merci", "le matin merci bien", "le matin"
    ]  # fmt: skip


def test_a_number_is_in_words_and_all_its_words_are_known() -> None:
    made = grammar(start="<number:70-72> euros", far="<number:10000-999999>")
    assert made.every("start", 10) == [
        "soixante dix euros", "septante euros", "soixante et onze euros", "septante et un euros",
        "soixante douze euros", "septante deux euros",
    ]  # fmt: skip
    chance = random.Random(1)
    drawn = {word for _ in range(2000) for word in made.draw("far", chance).split()}
    assert drawn <= made.words("far")
    assert made.count("far") == 990_000


@given(st.randoms(use_true_random=False))
def test_what_is_drawn_is_one_of_every_sentence(chance: random.Random) -> None:
    made = grammar(start="[<hm>] (oui|non (merci|<hm>)) [<number:1-3>]", hm="euh, ben")
    assert made.draw("start", chance) in made.every("start", 1000)


@pytest.mark.parametrize(
    ("block", "problem"),
    [
        ("(oui|non", "not closed"),
        ("oui)", "did not open"),
        ("[oui)", "not closed"),
        ("oui <", "too many"),
        ("<nothing>", "which is none"),
    ],
)
def test_a_broken_template_is_refused(block: str, problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        grammar(start=block)


def test_a_block_is_text() -> None:
    with pytest.raises(ConfigurationError, match="a block of text"):
        lines(["oui", "non"])
