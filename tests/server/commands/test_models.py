from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.speech.kaldi.build import build_graph
from pipelines.speech.models import MODELS
from server.commands.models import app
from tests.pipelines.speech.kaldi.tones import heard, write_acoustic
from tests.pipelines.speech.publisher import Publisher, archive, publisher

FRENCH = MODELS[0].name


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Publisher]:
    with publisher() as site:
        site.files[f"{FRENCH}.zip"] = archive((f"{FRENCH}/am/final.mdl", b"model"))
        monkeypatch.setenv("PALABRE_MODELS_URL", site.url)
        monkeypatch.setenv("PALABRE_MODELS_DIR", str(tmp_path))
        yield site


def palabre_models(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_list_fetch_check(site: Publisher, tmp_path: Path) -> None:
    code, text = palabre_models()
    assert code == 0
    assert "vosk-fr-demo" in text
    assert all(model.name in text for model in MODELS)
    assert "installed" not in text
    code, text = palabre_models("fetch", "fr")
    assert (code, f"{FRENCH} is in {tmp_path / FRENCH}" in text) == (0, True)
    assert "installed" in palabre_models()[1]
    assert palabre_models("check") == (0, f"{FRENCH}: as downloaded\n")
    (tmp_path / FRENCH / "am" / "final.mdl").write_bytes(b"other")
    code, text = palabre_models("check")
    assert code == 1
    assert text == (
        f"{FRENCH}: am/final.mdl has changed; run `palabre models fetch --again {FRENCH}`\n"
    )
    assert palabre_models("fetch", "--again", FRENCH)[0] == 0
    assert palabre_models("check")[0] == 0


def test_another_place(site: Publisher, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert palabre_models("fetch", "fr", "--dir", str(other))[0] == 0
    assert (other / FRENCH / "am" / "final.mdl").exists()
    assert palabre_models("--dir", str(other))[1].count("installed") == 1


def test_what_is_half_there_is_broken(site: Publisher, tmp_path: Path) -> None:
    (tmp_path / FRENCH).mkdir()
    code, text = palabre_models("check")
    assert code == 1
    assert "fetch --again" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fetch", "tlh"), "no model or language 'tlh'"),
        (("fetch", "en"), "answers 404; check the address"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(
    site: Publisher, arguments: tuple[str, ...], message: str
) -> None:
    code, text = palabre_models(*arguments)
    assert code == 1
    assert message in text
    assert "Traceback" not in text


SCENARIO = """
name: drinks
languages: [fr]
start: order
silence: bye
steps:
  order: {answers: {orders: bye}, retries: 0, then: bye}
  bye: {hangup: completed}
"""
WORDS = """
language: fr
lines:
  order: {say: "Que voulez-vous ?", silence: "Allô ?"}
  bye: Au revoir.
intents:
  orders: {means: orders a drink, examples: [Je veux un café, "oui, 2 diabolos", un café]}
backchannels: [oui]
stop_words: [attendez]
"""


@pytest.fixture
def drinks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A scenario, and a recogniser that has a part of its words."""
    monkeypatch.setenv("PALABRE_MODELS_DIR", str(tmp_path / "models"))
    write_acoustic(tmp_path / "base")
    build_graph(tmp_path / "base" / "graph", "fr", ["oui je veux bien", "attendez", "un deux"])
    (tmp_path / "scenario.yaml").write_text(SCENARIO, "utf-8")
    (tmp_path / "fr.yaml").write_text(WORDS, "utf-8")
    return tmp_path / "scenario.yaml"


@pytest.mark.integration
def test_build(drinks: Path, tmp_path: Path) -> None:
    path = tmp_path / "models" / "vosk-fr-drinks"
    arguments = ("build", "--scenario", str(drinks), "--model", str(tmp_path / "base"))
    code, text = palabre_models(*arguments)
    assert code == 0
    assert text.splitlines()[-2:] == [
        "  diabolos  d j a b o l o",
        f"2 new of 9 words, 5 sentences; vosk-fr-drinks is in {path}",
    ]
    assert "  café  k a f e" in text
    assert heard(path, "je veux un café") == "je veux un café"
    assert "built for drinks" in palabre_models()[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--scenario", "nothing"), "no scenario 'nothing'"),
        (("--language", "tlh"), "does not speak 'tlh'; it has: fr"),
        (("--model", "other"), "there is no recogniser 'other'"),
    ],
)
def test_what_cannot_be_built_is_said_in_one_line(
    drinks: Path, arguments: tuple[str, ...], message: str
) -> None:
    code, text = palabre_models("build", "--scenario", str(drinks), *arguments)
    assert code == 1
    assert message in text
    assert "Traceback" not in text


def test_a_published_model_stays_as_it_is(drinks: Path, tmp_path: Path) -> None:
    (tmp_path / "models" / FRENCH / "am").mkdir(parents=True)
    (tmp_path / "models" / FRENCH / "am" / "final.mdl").touch()
    code, text = palabre_models("build", "--scenario", str(drinks))
    assert code == 1
    assert f"{FRENCH} is complete as it was published" in text
