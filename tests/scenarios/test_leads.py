"""How well the leads scenario understands answers that its examples were not written from."""

import csv
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.mind.examples import Examples
from scenarios import find
from scenarios.script import load

SCRIPT = load(find("leads"), "fr")
ANSWERS = Path(__file__).with_name("leads_answers.csv")


@pytest.fixture(scope="module")
def examples() -> Examples:
    return Examples.build(SCRIPT.knowledge)


def unseen() -> Iterator[tuple[tuple[str, ...], str | None, str]]:
    """Intents that answer the question, the one that is meant, what was said. The lines that are
    marked ``seen`` have helped to choose examples and settings since they were written."""
    with ANSWERS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["set"] == "unseen":
                intents = SCRIPT.intents(SCRIPT.steps[row["step"]])
                yield intents, row["intent"] or None, row["text"]


def test_answers_are_understood_and_other_talk_is_not(examples: Examples) -> None:
    right = wrong = answers = rejected = others = 0
    for intents, meant, text in unseen():
        intent = examples.read(text, intents).intent
        if meant is None:
            others += 1
            rejected += intent is None
        else:
            answers += 1
            right += intent == meant
            wrong += intent not in (None, meant)
    assert answers >= 100
    assert others >= 40
    assert right / answers >= 0.92
    assert wrong / answers <= 0.06
    assert rejected / others >= 0.90


def test_its_own_examples_are_understood(examples: Examples) -> None:
    pairs = [
        (example, question, intent)
        for question in SCRIPT.knowledge.questions
        for intent in question
        for example in SCRIPT.knowledge.intents[intent].examples
    ]
    wrong = [
        text for text, question, intent in pairs if examples.read(text, question).intent != intent
    ]
    assert len(wrong) <= len(pairs) // 100


def test_it_takes_less_than_two_milliseconds(examples: Examples) -> None:
    took = []
    for intents, _, text in unseen():
        began = time.perf_counter()
        examples.read(text, intents)
        took.append(time.perf_counter() - began)
    assert sorted(took)[len(took) // 2] < 0.002
