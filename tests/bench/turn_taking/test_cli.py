from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.cli import app

runner = CliRunner()


@pytest.fixture(autouse=True)
def own_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command keeps its process on one core, and this one is the tests'."""
    monkeypatch.setattr("bench.turn_taking.cli.choose_cores", lambda server, client: (0, 0))
    monkeypatch.setattr("bench.turn_taking.cli.pin", lambda core: None)


def test_an_engine_that_there_is_not() -> None:
    result = runner.invoke(app, ["turn-taking", "--engine", "other"])
    assert result.exit_code == 1
    assert "there are palabre, pipecat" in result.output


def test_a_line_that_there_is_not() -> None:
    result = runner.invoke(app, ["turn-taking", "--line", "other"])
    assert result.exit_code == 1
    assert "there are clean" in result.output


def test_a_folder_without_recordings(tmp_path: Path) -> None:
    result = runner.invoke(app, ["turn-taking", "--people", str(tmp_path)])
    assert result.exit_code == 1
    assert "a .txt" in result.output
