import json
from pathlib import Path

import pytest

from engine.errors import ConfigurationError, SpeechError
from pipelines.speech.kaldi.build import build_graph
from pipelines.speech.models import Found
from pipelines.speech.models.built import build, built_for, built_here, built_name
from tests.pipelines.speech.kaldi.tones import heard, write_acoustic


@pytest.fixture
def base(tmp_path: Path) -> Found:
    path = tmp_path / "base"
    write_acoustic(path)
    build_graph(path / "graph", "fr", ["oui je veux bien", "non merci"])
    return Found("base", path, "fr")


@pytest.mark.parametrize(
    ("scenario", "name"),
    [("leads", "vosk-fr-leads"), ("Mes ventes / été", "vosk-fr-mes-ventes-été")],
)
def test_a_folder_is_named_after_its_scenario(scenario: str, name: str) -> None:
    assert built_name(scenario, "fr") == name


@pytest.mark.parametrize("scenario", ["demo", "../", "..", " ", "?"])
def test_a_name_that_no_folder_can_have(scenario: str) -> None:
    with pytest.raises(ConfigurationError, match="rename it"):
        built_name(scenario, "fr")


@pytest.mark.integration
def test_a_scenarios_words_are_heard(base: Found, tmp_path: Path) -> None:
    models = tmp_path / "models"
    assert built_for("leads", "fr", models, base.path) is None
    done = build(base, "leads", ["je veux un rendez-vous", "oui"], models)
    assert done.path == models / "vosk-fr-leads" == built_for("leads", "fr", models, base.path)
    assert list(done.new) == ["rendez-vous", "un"]
    assert list(built_here(models)) == [("vosk-fr-leads", "fr", "leads")]
    assert heard(done.path, "je veux un rendez-vous") == "je veux un rendez-vous"
    assert [path.name for path in models.iterdir() if path.is_dir() and any(path.iterdir())] == [
        "vosk-fr-leads"
    ]


@pytest.mark.integration
def test_what_was_built_is_replaced_when_the_new_is_whole(base: Found, tmp_path: Path) -> None:
    build(base, "leads", ["un rendez-vous"], tmp_path)
    with pytest.raises(SpeechError, match="says nothing"):
        build(base, "leads", ["-"], tmp_path)
    assert heard(tmp_path / "vosk-fr-leads", "un rendez-vous") == "un rendez-vous"
    build(base, "leads", ["un crocodile"], tmp_path)
    assert heard(tmp_path / "vosk-fr-leads", "un crocodile") == "un crocodile"


@pytest.mark.integration
def test_it_counts_only_for_the_base_it_was_built_from(base: Found, tmp_path: Path) -> None:
    path = build(base, "leads", ["un rendez-vous"], tmp_path).path
    manifest = path / "built.json"
    assert json.loads(manifest.read_text())["base"] == "base"
    network = base.path / "am" / "final.mdl"
    network.write_bytes(network.read_bytes() + b"other")
    assert built_for("leads", "fr", tmp_path, base.path) is None
    manifest.write_text("{")
    assert list(built_here(tmp_path)) == []
    assert built_for("leads", "fr", tmp_path, base.path) is None
    network.unlink()
    assert built_for("leads", "fr", tmp_path, base.path) is None


def test_a_model_as_published_is_given_no_words(tmp_path: Path) -> None:
    (tmp_path / "vosk-model-small-fr-0.22" / "am").mkdir(parents=True)
    real = Found("vosk-model-small-fr-0.22", tmp_path / "vosk-model-small-fr-0.22", "fr")
    with pytest.raises(SpeechError, match=r"complete as it was published.*--model vosk-fr-demo"):
        build(real, "leads", ["oui"], tmp_path)
    assert built_for("leads", "fr", tmp_path, real.path) is None


def test_a_scenario_that_expects_nothing(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expects no words"):
        build(Found("base", tmp_path, "fr"), "bench", [], tmp_path)


@pytest.mark.integration
def test_no_room_to_write(base: Found, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpeechError, match="another --dir"):
        build(base, "leads", ["oui"], tmp_path / "file")
