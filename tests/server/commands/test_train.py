from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.errors import SpeechError
from pipelines.speech.training import make as module
from pipelines.speech.training.card import Facts
from pipelines.speech.training.run import SHIPPED, Progress, Settings
from server.cli import app

RUN = CliRunner()


def _facts(language: str) -> Facts:
    return Facts(language, 1.0, 200, 20, 0.5, 600_000, 68, 50, 2, 1, {"sentences, 16 kHz": 1.25})


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Settings, Path, Path]]:
    """What the command asks to be made; nothing is."""
    calls: list[tuple[Settings, Path, Path]] = []

    def make(
        settings: Settings,
        folder: Path,
        target: Path,
        on_step: Callable[[str], None],
        on_progress: Callable[[Progress], None],
    ) -> Facts:
        calls.append((settings, folder, target))
        on_step("network")
        on_progress(Progress(1, 2, 1.5, 0.625))
        return _facts(settings.language)

    monkeypatch.setattr(module, "make", make)
    return calls


def test_it_shows_how_it_goes_and_how_it_went(
    asked: list[tuple[Settings, Path, Path]], tmp_path: Path
) -> None:
    arguments = ["models", "train", "--work", str(tmp_path), "--epochs", "2", "--seed", "7"]
    result = RUN.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "network 1/2: 1.500 nats, 62.5 % of steps right" in result.output
    assert "sentences, 16 kHz: 1.2 % of words wrong" in result.output
    ((settings, folder, target),) = asked
    assert (settings.epochs, settings.seed, settings.language) == (2, 7, "fr")
    assert settings.shards == Settings().shards
    assert (folder, target) == (tmp_path, tmp_path / "vosk-fr-demo")


def test_english_has_its_own_settings(
    asked: list[tuple[Settings, Path, Path]], tmp_path: Path
) -> None:
    RUN.invoke(app, ["models", "train", "--language", "en", "--work", str(tmp_path)])
    assert asked[0][0] == SHIPPED["en"]
    assert SHIPPED["en"].respoken == 0  # the second synthesiser does not speak it


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--language", "de"], "no corpus in 'de'"),
        (["--work", "/tmp/" + "x" * 120], "too long a path"),
    ],
)
def test_what_cannot_be_trained_is_said_at_once(
    asked: list[tuple[Settings, Path, Path]], arguments: list[str], says: str
) -> None:
    result = RUN.invoke(app, ["models", "train", *arguments])
    assert result.exit_code == 2
    assert says in result.output
    assert not asked


def test_an_error_is_told_without_its_traceback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def make(*_: object) -> Facts:
        raise SpeechError("espeak-ng says nothing for 'xyz'")

    monkeypatch.setattr(module, "make", make)
    result = RUN.invoke(app, ["models", "train", "--work", str(tmp_path)])
    assert result.exit_code == 1
    assert "palabre models: espeak-ng says nothing" in result.output
