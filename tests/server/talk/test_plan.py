"""A caller's plan is read as a whole or refused with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import ConfigurationError
from scenarios import find
from scenarios.script import load
from server.talk.plan import Aside, load_plan

GOOD = """
fr:
  voices: [fr+m1]
  answers: {hello: [oui], q1: [non, non non]}
  interrupt: {during: q1, after_s: 1, say: pardon}
  quick: [hello]
"""


def test_a_plan(tmp_path: Path) -> None:
    (tmp_path / "caller.yaml").write_text(GOOD)
    plan = load_plan(tmp_path / "caller.yaml", "fr")
    assert plan.answers == {"hello": ("oui",), "q1": ("non", "non non")}
    assert plan.interrupt == Aside("q1", 1.0, "pardon")
    assert plan.backchannel is None
    assert plan.lines() == ("oui", "non", "non non", "pardon")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (GOOD.replace("fr:", "en:", 1), "no caller for the language 'fr'; it has: en"),
        ("[]", "no caller for the language"),
        ("fr: [", "is not YAML"),
        (GOOD.replace("voices", "voice"), "incomplete or misspelt"),
        (GOOD.replace("[oui]", "oui"), "a list of texts, not 'oui'"),
        (GOOD.replace("[oui]", "[yes]"), "a list of texts, not"),
        (GOOD.replace("during: q1", "during: q7"), "no answer for the step q7"),
        (GOOD.replace("after_s: 1", "after_s: soon"), "could not convert"),
    ],
)
def test_a_wrong_plan_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    path = tmp_path / "caller.yaml"
    path.write_text(content)
    with pytest.raises(ConfigurationError, match="caller") as refused:
        load_plan(path, "fr")
    assert problem in str(refused.value)


def test_no_plan_at_all_points_to_a_recording(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--wav"):
        load_plan(tmp_path / "caller.yaml", "fr")


def test_the_leads_caller_answers_every_step_that_asks() -> None:
    path = find("leads")
    plan = load_plan(path.with_name("caller.yaml"), "fr")
    steps = load(path, "fr").steps.values()
    assert {step.name for step in steps if step.asks} == set(plan.answers)
