"""Which model a scenario is heard with."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from engine.clock import SystemClock
from engine.errors import SpeechError
from pipelines.speech.models import find_model
from scenarios import find
from scenarios.script import Script, load
from server import recognisers
from server.recognisers import Recognisers
from server.settings import Settings

pytestmark = pytest.mark.integration

LEADS = load(find("leads"))
ENGLISH = load(find("leads"), "en")
TEA = replace(LEADS, name="tea")
DEMO = find_model("fr", Path("nowhere"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(models_dir=tmp_path)


@pytest_asyncio.fixture
async def made(settings: Settings) -> AsyncIterator[Recognisers]:
    made = Recognisers(settings, SystemClock())
    yield made
    made.close()


def build(monkeypatch: pytest.MonkeyPatch, models_dir: Path, name: str) -> Path:
    """As if `palabre models build` had built one for `name`."""
    path = models_dir / f"vosk-fr-{name}"
    shutil.copytree(DEMO.path, path)

    def built_for(scenario: str, language: str, models_dir: Path, base: Path) -> Path | None:
        assert (language, base) == ("fr", DEMO.path)
        return path if scenario == name else None

    monkeypatch.setattr(recognisers, "built_for", built_for)
    return path


async def warned(made: Recognisers, *scripts: Script) -> list[tuple[str, str]]:
    with capture_logs() as logs:
        await made.start(list(scripts))
    return [(entry["event"], entry["do"]) for entry in logs]


@pytest.mark.asyncio
async def test_scenarios_of_one_language_share_a_model(made: Recognisers) -> None:
    await made.start([LEADS, TEA, ENGLISH])
    assert made.of(LEADS)[0] is made.of(TEA)[0]
    assert made.of(LEADS)[1] == DEMO.notice
    assert await made.check() is None


@pytest.mark.asyncio
async def test_a_language_without_one_says_what_to_run(made: Recognisers) -> None:
    assert "palabre models" in str(await made.check())
    await made.start([LEADS, ENGLISH])
    assert made.hears(LEADS)
    if not made.hears(ENGLISH):
        with pytest.raises(SpeechError, match="palabre models fetch en"):
            made.of(ENGLISH)
    with pytest.raises(SpeechError, match="restart the server"):
        made.of(replace(LEADS, name="new"))


@pytest.mark.asyncio
async def test_a_scenario_has_the_model_built_for_it(
    made: Recognisers, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = build(monkeypatch, settings.models_dir, "tea")
    await made.start([LEADS, TEA])
    assert made.of(TEA)[0].path == path
    assert made.of(LEADS)[0].path == DEMO.path
    assert made.of(TEA)[1] == DEMO.notice
    assert made.of(TEA)[0].decoder is made.of(LEADS)[0].decoder


@pytest.mark.asyncio
async def test_a_model_that_is_named_is_taken(
    made: Recognisers, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(monkeypatch, settings.models_dir, "tea")
    settings.model = DEMO.name
    await made.start([TEA])
    assert made.of(TEA)[0].path == DEMO.path


@pytest.mark.asyncio
async def test_one_built_from_another_demo_is_not_taken_and_that_is_said(
    made: Recognisers, settings: Settings
) -> None:
    shutil.copytree(DEMO.path, settings.models_dir / "vosk-fr-tea")
    warnings = await warned(made, TEA)
    assert ("vosk.outdated_model", "palabre models build --scenario tea") in warnings
    assert made.of(TEA)[0].path == DEMO.path


@pytest.mark.asyncio
async def test_words_that_it_does_not_have_are_said_at_start(made: Recognisers) -> None:
    odd = replace(TEA, stop_words=("perlimpinpin",))
    assert ("vosk.unknown_words", "palabre models build --scenario tea") in await warned(made, odd)


@pytest.mark.asyncio
async def test_a_broken_one_names_the_command(made: Recognisers, settings: Settings) -> None:
    path = settings.models_dir / "vosk-model-fr-9"
    (path / "am").mkdir(parents=True)
    (path / "am" / "final.mdl").touch()
    with pytest.raises(SpeechError, match="is broken; run `palabre models check`"):
        await asyncio.wait_for(made.start([LEADS]), 10.0)
