"""The example of docs/scenarios.md is a scenario."""

import re
from pathlib import Path

import pytest

from engine.errors import ScenarioError
from scenarios.script import load

DOCS = Path(__file__).parents[2] / "docs" / "scenarios.md"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    structure, words = re.findall(r"```yaml\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    (tmp_path / "scenario.yaml").write_text(structure, "utf-8")
    (tmp_path / "en.yaml").write_text(words, "utf-8")
    return tmp_path / "scenario.yaml"


def test_it_is_right(example: Path) -> None:
    assert load(example).name == "tea"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("scenario.yaml", "drinks: weigh", "drinks: weight"),
        ("en.yaml", "examples: [n", "example: [n"),
    ],
)
def test_its_errors_read_as_shown(example: Path, file: str, old: str, new: str) -> None:
    path = example.with_name(file)
    path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(ScenarioError) as caught:
        load(example)
    shown = str(caught.value).removeprefix(f"{example.parent}/")
    assert f"    {shown}\n" in DOCS.read_text("utf-8"), shown
