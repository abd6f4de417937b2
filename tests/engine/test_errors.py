import ast
import inspect
import re
from pathlib import Path

import pytest

from engine import errors, store
from engine.errors import AdmissionError, PalabreError, ProtocolError, ScenarioError

ERRORS = [getattr(errors, name) for name in errors.__all__]

CODES = {
    "palabre.error",
    "configuration.invalid",
    "scenario.invalid",
    "admission.full",
    "store.unavailable",
    "store.version",
    "stage.failed",
    "speech.unavailable",
    "understanding.unavailable",
}
"""Clients and logs rely on these: one that goes or changes breaks them."""


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    """A line's indentation is its depth, its first word the class."""
    parents: dict[str, str] = {}
    above: list[str] = []
    for line in inspect.getdoc(errors).splitlines() if inspect.getdoc(errors) else ():  # type: ignore[union-attr]
        if (match := re.match(r"[ │├└─]*(?P<name>\w+Error)", line)) is None:
            continue
        depth = (match.start("name") - 4) // 4
        above[depth:] = [match["name"]]
        parents[match["name"]] = above[depth - 1] if depth else "Exception"
    assert parents == {error.__name__: error.__base__.__name__ for error in ERRORS}


def test_every_class_is_in_all() -> None:
    tree = ast.parse(Path(errors.__file__).read_text(encoding="utf-8"))
    assert {node.name for node in tree.body if isinstance(node, ast.ClassDef)} == set(
        errors.__all__
    )


def test_codes_are_unique_and_stable() -> None:
    codes = [error.code for error in [*ERRORS, store.VersionError] if error is not ProtocolError]
    assert len(codes) == len(set(codes))
    assert set(codes) == CODES


def test_a_scenario_error_says_where_and_what() -> None:
    error = ScenarioError("leads.yaml", 12, "no step 'q9'", "one of q1, q2")
    assert str(error) == "leads.yaml:12: no step 'q9'; expected one of q1, q2"
    assert (error.path, error.line) == (Path("leads.yaml"), 12)
    assert (error.problem, error.expected) == ("no step 'q9'", "one of q1, q2")


@pytest.mark.parametrize("close_code", [None, 1009])
def test_a_protocol_error_carries_the_protocols_own_code(close_code: int | None) -> None:
    error = ProtocolError("message.too_large", "at most 64,000 bytes a message", close_code)
    assert error.code == "message.too_large"
    assert error.close_code == close_code
    assert str(error) == "at most 64,000 bytes a message"
    assert ProtocolError.code == PalabreError.code, "the class keeps its own"


def test_an_admission_error_says_when_to_ask_again() -> None:
    error = AdmissionError("all 500 places are taken", retry_after_s=5)
    assert (str(error), error.retry_after_s) == ("all 500 places are taken", 5)
