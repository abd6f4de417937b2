from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.speech.models import MODELS
from server.commands.models import app
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
