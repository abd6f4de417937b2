import io
import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.errors import ConfigurationError, SpeechError
from pipelines.speech.models import (
    MODELS,
    SpeechModel,
    State,
    check,
    download,
    fetch,
    find_model,
    find_voice,
    state,
    wanted_models,
)
from pipelines.speech.models.installed import remedy
from pipelines.speech.models.unpack import unpack
from tests.pipelines.speech.publisher import Publisher, archive, publisher

FRENCH = MODELS[0]
VOICE = next(model for model in MODELS if model.kind == "tts")
NOISE = bytes(i * 7 % 251 for i in range(300_000))
GOOD = archive(
    (f"{FRENCH.name}/am/final.mdl", NOISE),
    (f"{FRENCH.name}/conf/model.conf", b"--beam=12\n"),
    compression=zipfile.ZIP_STORED,
)
ZIP = f"{FRENCH.name}.zip"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    monkeypatch.setattr(download, "PAUSE_S", 0.001)
    with publisher() as site:
        site.files[ZIP] = GOOD
        yield site


def left(models_dir: Path) -> list[str]:
    return sorted(path.name for path in (models_dir / ".partial").iterdir())


# Which there are


def test_a_language_means_its_recogniser() -> None:
    assert wanted_models(["fr", FRENCH.name, VOICE.name]) == [FRENCH, VOICE]
    with pytest.raises(ConfigurationError, match="no model or language 'tlh'; known are en, fr"):
        wanted_models(["tlh"])


def test_no_checksum_is_made_up_and_every_size_has_a_limit() -> None:
    assert all(model.sha256 is None for model in MODELS)
    assert all(0 < model.about_mb < model.limit_mb for model in MODELS)
    assert all(url.startswith("https://") for model in MODELS for url in model.urls)


def test_the_demo_serves_until_a_real_one_is_installed(tmp_path: Path) -> None:
    found = find_model("fr", tmp_path)
    assert found.demo
    assert "palabre models fetch fr" in found.notice
    (tmp_path / "vosk-model-fr-0.22" / "am").mkdir(parents=True)
    (tmp_path / "vosk-model-fr-0.22" / "am" / "final.mdl").touch()
    large = find_model("fr", tmp_path)
    assert (large.name, large.demo, large.notice) == ("vosk-model-fr-0.22", False, "")
    (tmp_path / FRENCH.name / "am").mkdir(parents=True)
    (tmp_path / FRENCH.name / "am" / "final.mdl").touch()
    assert find_model("fr", tmp_path).name == FRENCH.name
    assert find_model("fr", tmp_path, "vosk-model-fr-0.22") == large
    assert find_model("fr", tmp_path, str(large.path)).path == large.path
    assert find_model("fr", tmp_path, "vosk-fr-demo").demo


def test_whatever_was_made_from_the_demo_says_so(tmp_path: Path) -> None:
    made = tmp_path / "vosk-fr-tea"
    for file in ("am/final.mdl", "graph/lm.arpa.gz"):
        (made / file).parent.mkdir(parents=True)
        (made / file).touch()
    assert find_model("fr", tmp_path, "vosk-fr-tea").notice == find_model("fr", tmp_path).notice
    copy = tmp_path / "elsewhere" / "vosk-fr-demo"
    shutil.copytree(find_model("fr", tmp_path).path, copy)
    assert find_model("fr", tmp_path, str(copy)).notice


def test_a_recogniser_that_does_not_load_has_a_remedy(tmp_path: Path) -> None:
    assert remedy(find_model("fr", tmp_path).path) == "reinstall palabre, which brings it"
    assert "`palabre models fetch`" in remedy(tmp_path)
    (tmp_path / "built.json").write_text('{"scenario": "tea"}')
    assert remedy(tmp_path) == "run `palabre models build --scenario tea`"
    (tmp_path / "built.json").write_text("[]")
    assert "`palabre models check`" in remedy(tmp_path)


def test_a_recogniser_that_is_not_there_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="run `palabre models fetch en`"):
        find_model("en", tmp_path)
    with pytest.raises(SpeechError, match="run `palabre models`"):
        find_model("fr", tmp_path, "vosk-model-fr-9")


def test_a_demo_anywhere_else_is_a_model_like_others(tmp_path: Path) -> None:
    copy = tmp_path / "mine"
    shutil.copytree(find_model("fr", tmp_path).path, copy)
    assert find_model("fr", tmp_path, str(copy)).path == copy


# Fetched


def test_a_model_is_fetched_pinned_and_checked(site: Publisher, tmp_path: Path) -> None:
    assert state(FRENCH, tmp_path) is State.ABSENT
    told: list[tuple[int, int | None]] = []
    path = fetch(FRENCH, tmp_path, base_url=site.url + "/", on_progress=lambda *at: told.append(at))
    assert path == tmp_path / FRENCH.name
    assert (path / "am" / "final.mdl").read_bytes() == NOISE
    assert told[-1] == (len(GOOD), len(GOOD))
    assert state(FRENCH, tmp_path) is State.INSTALLED
    assert left(tmp_path) == []
    assert check(FRENCH.name, tmp_path) == []
    assert find_model("fr", tmp_path).path == path
    fetch(FRENCH, tmp_path, base_url=site.url)
    assert len(site.asked) == 1  # it is there already


def test_what_changed_is_found(site: Publisher, tmp_path: Path) -> None:
    path = fetch(FRENCH, tmp_path, base_url=site.url)
    (path / "am" / "final.mdl").write_bytes(b"other")
    (path / "conf" / "model.conf").unlink()
    assert check(FRENCH.name, tmp_path) == [
        "am/final.mdl has changed",
        "conf/model.conf is missing",
    ]
    manifest = tmp_path / f"{FRENCH.name}.json"
    manifest.write_text("{}")
    assert check(FRENCH.name, tmp_path) == [f"{manifest} is damaged"]
    manifest.unlink()
    assert "nothing to compare with" in check(FRENCH.name, tmp_path)[0]


def test_a_download_that_breaks_off_goes_on(site: Publisher, tmp_path: Path) -> None:
    site.cuts = [100_000, 100_000]
    path = fetch(FRENCH, tmp_path, base_url=site.url)
    assert (path / "am" / "final.mdl").read_bytes() == NOISE
    assert [wanted for _, wanted in site.asked] == [None, "bytes=100000-", "bytes=200000-"]


def test_a_later_run_goes_on_where_the_first_gave_up(site: Publisher, tmp_path: Path) -> None:
    site.cuts = [100_000, 0, 0, 0, 0, 0]
    with pytest.raises(SpeechError, match="run the same command again to go on"):
        fetch(FRENCH, tmp_path, base_url=site.url)
    assert state(FRENCH, tmp_path) is State.PARTIAL
    site.cuts = []
    fetch(FRENCH, tmp_path, base_url=site.url)
    assert site.asked[-1][1] == "bytes=100000-"
    assert check(FRENCH.name, tmp_path) == []


def test_a_file_that_changed_meanwhile_begins_anew(site: Publisher, tmp_path: Path) -> None:
    site.cuts = [100_000, 0, 0, 0, 0, 0]
    with pytest.raises(SpeechError):
        fetch(FRENCH, tmp_path, base_url=site.url)
    site.cuts, site.etag = [], '"2"'
    site.files[ZIP] = archive((f"{FRENCH.name}/am/final.mdl", NOISE[::-1]))
    path = fetch(FRENCH, tmp_path, base_url=site.url)
    assert (path / "am" / "final.mdl").read_bytes() == NOISE[::-1]


@pytest.mark.parametrize("how", ["no ranges", "no etag", "shorter"])
def test_what_cannot_be_gone_on_with_begins_anew(site: Publisher, tmp_path: Path, how: str) -> None:
    if how == "no etag":
        site.etag = 'W/"1"'
    site.cuts = [100_000, 0, 0, 0, 0, 0]
    with pytest.raises(SpeechError):
        fetch(FRENCH, tmp_path, base_url=site.url)
    site.cuts, site.ranges = [], how != "no ranges"
    if how == "shorter":
        site.files[ZIP] = archive((f"{FRENCH.name}/am/final.mdl", b"short"))
    fetch(FRENCH, tmp_path, base_url=site.url)
    assert check(FRENCH.name, tmp_path) == []


def test_a_download_that_differs_from_the_pinned_one_is_refused(
    site: Publisher, tmp_path: Path
) -> None:
    path = fetch(FRENCH, tmp_path, base_url=site.url)
    shutil.rmtree(path)
    site.files[ZIP] = archive((f"{FRENCH.name}/am/final.mdl", b"other"))
    with pytest.raises(SpeechError, match=r"is not what it was: SHA-256 .* --again"):
        fetch(FRENCH, tmp_path, base_url=site.url)
    assert not path.exists()
    assert left(tmp_path) == []
    fetch(FRENCH, tmp_path, base_url=site.url, again=True)
    assert (path / "am" / "final.mdl").read_bytes() == b"other"
    assert check(FRENCH.name, tmp_path) == []


def test_a_checksum_that_is_known_is_compared(site: Publisher, tmp_path: Path) -> None:
    known = SpeechModel(FRENCH.name, "fr", "stt", FRENCH.urls, 41, 164, sha256="0" * 64)
    with pytest.raises(SpeechError, match=f"not {'0' * 64}"):
        fetch(known, tmp_path, base_url=site.url)


def test_again_replaces_what_is_there_and_a_failure_leaves_it(
    site: Publisher, tmp_path: Path
) -> None:
    path = fetch(FRENCH, tmp_path, base_url=site.url)
    site.files[ZIP] = GOOD[:1000]
    with pytest.raises(SpeechError, match="is damaged"):
        fetch(FRENCH, tmp_path, base_url=site.url, again=True)
    assert check(FRENCH.name, tmp_path) == []
    (path / "extra").touch()
    site.files[ZIP] = GOOD
    fetch(FRENCH, tmp_path, base_url=site.url, again=True)
    assert not (path / "extra").exists()


def _link() -> bytes:
    info = zipfile.ZipInfo(f"{FRENCH.name}/am/final.mdl")
    info.external_attr = 0o120777 << 16
    return _archive_of(info, b"/etc/passwd")


def _archive_of(info: zipfile.ZipInfo, data: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as zipped:
        zipped.writestr(info, data)
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"<html>not found</html>", "is damaged"),
        (GOOD[:-100], "is damaged"),
        (GOOD.replace(NOISE[1000:1100], NOISE[1001:1101], 1), "is damaged"),
        (archive(("a/../../../evil", b"x")), "leads out of its folder"),
        (archive(("/etc/evil", b"x")), "leads out of its folder"),
        (archive(("a/..\\evil", b"x")), "leads out of its folder"),
        (archive(("a/C:evil", b"x")), "leads out of its folder"),
        (archive(("final.mdl", b"x")), "leads out of its folder"),
        (archive(("a/am/final.mdl", b"x"), ("b/evil", b"x")), "not lie in one folder"),
        (archive(("a/README", b"x")), "is no vosk model"),
        (archive(*((f"a/{i}", b"") for i in range(1001))), "unpacks to more"),
        (_link(), "holds a link"),
    ],
)  # fmt: skip
def test_a_wrong_archive_is_refused_and_leaves_nothing(
    site: Publisher, tmp_path: Path, data: bytes, message: str
) -> None:
    site.files[ZIP] = data
    models_dir = tmp_path / "deep" / "models"
    with pytest.raises(SpeechError, match=message):
        fetch(FRENCH, models_dir, base_url=site.url)
    assert left(models_dir) == []
    assert state(FRENCH, models_dir) is State.ABSENT
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files == []


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    bomb = tmp_path / "bomb.zip"
    bomb.write_bytes(archive(("a/am/final.mdl", bytes(1_000_001))))
    with pytest.raises(SpeechError, match="unpacks to more than 1 MB"):
        unpack(bomb, tmp_path / "out", 1_000_000)
    assert not (tmp_path / "out").exists()


def test_a_download_larger_than_its_limit_is_refused(site: Publisher, tmp_path: Path) -> None:
    small = SpeechModel(FRENCH.name, "fr", "stt", FRENCH.urls, 0, 0)
    with pytest.raises(SpeechError, match="larger than 0 MB"):
        fetch(small, tmp_path, base_url=site.url)
    assert left(tmp_path) == []


@pytest.mark.parametrize("status", [403, 404, 416, 500, 206])
def test_an_answer_that_is_none_says_so(site: Publisher, tmp_path: Path, status: int) -> None:
    site.status = status
    with pytest.raises(SpeechError, match=f"answers {status}; check the address"):
        fetch(FRENCH, tmp_path, base_url=site.url)
    assert len(site.asked) == 1


def test_a_publisher_who_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "PAUSE_S", 0.001)
    with publisher() as gone:
        pass
    with pytest.raises(SpeechError, match="cannot be fetched"):
        fetch(FRENCH, tmp_path, base_url=gone.url)
    with pytest.raises(SpeechError, match="is no address"):
        fetch(FRENCH, tmp_path, base_url="models.example")


def test_a_place_that_cannot_be_written(site: Publisher, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SpeechError, match="choose another place with --dir"):
        fetch(FRENCH, tmp_path / "file" / "models", base_url=site.url)


def test_a_voice_is_two_files_and_the_whole_one_is_not_fetched_twice(
    site: Publisher, tmp_path: Path
) -> None:
    site.files[f"{VOICE.name}.onnx"] = NOISE
    with pytest.raises(SpeechError, match="answers 404"):
        fetch(VOICE, tmp_path, base_url=site.url)
    assert find_voice("fr", tmp_path) is None
    site.files[f"{VOICE.name}.onnx.json"] = b"no json"
    with pytest.raises(SpeechError, match="is no voice"):
        fetch(VOICE, tmp_path, base_url=site.url)
    site.files[f"{VOICE.name}.onnx.json"] = json.dumps({"audio": {}}).encode()
    fetch(VOICE, tmp_path, base_url=site.url)
    paths = [path.rpartition(".")[2] for path, _ in site.asked]
    assert paths == ["onnx", "json", "json", "onnx", "json"]
    assert find_voice("fr", tmp_path) == tmp_path / VOICE.name / f"{VOICE.name}.onnx"
    assert state(VOICE, tmp_path) is State.INSTALLED
    assert check(VOICE.name, tmp_path) == []
    (tmp_path / VOICE.name / f"{VOICE.name}.onnx").unlink()
    assert state(VOICE, tmp_path) is State.BROKEN
