"""Understanding by examples."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ConfigurationError, UnderstandingError
from engine.flow import Question
from pipelines.mind.examples import Examples
from pipelines.mind.intents import Knowledge
from tests.pipelines.mind.knowledge import KNOWLEDGE, QUESTION

LEARNT = Examples.build(KNOWLEDGE)


@pytest.fixture
def examples() -> Examples:
    return LEARNT


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("j'ai un livret A", "holds"),
        ("euh oui un livret a je crois", "holds"),
        ("je n'ai pas de livret a", "none"),
        ("non je n'ai pas de pel", "none"),
        ("pardon", "repeat"),
        ("il pleut sur la mer", None),
        ("", None),
        ("euh", None),
        ("zxqwk", None),
    ],
)
def test_what_is_meant(examples: Examples, text: str, intent: str | None) -> None:
    understanding = asyncio.run(examples.understand(text, Question("q1", QUESTION)))
    assert understanding.intent == intent
    assert understanding.source == "examples"


def test_slots_and_negation_come_with_it(examples: Examples) -> None:
    understanding = examples.read("je n'ai pas de pel mais un livret a", QUESTION)
    assert understanding.slots == {"savings": ["livret_a"], "months": 1}
    assert understanding.negated


def test_a_question_that_was_not_learnt_is_refused(examples: Examples) -> None:
    with pytest.raises(UnderstandingError, match="build Examples"):
        examples.read("oui", ("other",))


@given(text=st.text())
def test_any_text_has_a_confidence(text: str) -> None:
    understanding = LEARNT.read(text, QUESTION)
    assert 0.0 <= understanding.confidence <= 1.0


def test_what_was_learnt_is_kept_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Examples.build(KNOWLEDGE, tmp_path / "new").read("un livret a", QUESTION)
    (kept,) = (tmp_path / "new").iterdir()
    monkeypatch.setattr("pipelines.mind.examples._train", lambda knowledge: pytest.fail("again"))
    assert Examples.build(KNOWLEDGE, tmp_path / "new").read("un livret a", QUESTION) == first
    kept.write_bytes(kept.read_bytes()[:100])
    monkeypatch.undo()
    assert Examples.build(KNOWLEDGE, tmp_path / "new").read("un livret a", QUESTION) == first
    assert list((tmp_path / "new").iterdir()) == [kept], "no half-written file is left"


def test_other_examples_are_learnt_anew(tmp_path: Path) -> None:
    Examples.build(KNOWLEDGE, tmp_path)
    other = Knowledge("fr", KNOWLEDGE.intents, (), KNOWLEDGE.questions)
    Examples.build(other, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_cache_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert Examples.build(KNOWLEDGE, tmp_path / "file").read("non", QUESTION).intent == "none"


def test_a_scenario_without_intents_needs_no_learning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.mind.examples._train", lambda knowledge: pytest.fail("learnt"))
    Examples.build(Knowledge("fr", {}))


def test_a_single_intent_is_told_from_everything_else() -> None:
    intents = {"repeat": KNOWLEDGE.intents["repeat"]}
    examples = Examples.build(Knowledge("fr", intents, (), (("repeat",),)))
    assert examples.read("répétez", ("repeat",)).intent == "repeat"
    assert examples.read("il pleut sur la mer", ("repeat",)).intent is None


def test_a_language_without_words_here_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="there are: fr, en"):
        Examples.build(Knowledge("xx", {}))
