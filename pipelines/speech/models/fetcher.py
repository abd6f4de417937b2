"""Fetches speech models: resumed where it broke off, checked, and put in place in one step.

A model is never half there: it is put together in a folder beside its place and moved. What the
first download had is pinned (`installed.manifest_path`); a later one that differs is refused.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from engine.errors import SpeechError
from pipelines.speech.models.download import Download, download
from pipelines.speech.models.installed import (
    State,
    manifest_path,
    partial_dir,
    sha256_of,
    state,
)
from pipelines.speech.models.registry import SpeechModel
from pipelines.speech.models.unpack import unpack

__all__ = ["fetch"]


def fetch(
    model: SpeechModel,
    models_dir: Path,
    *,
    base_url: str | None = None,
    again: bool = False,
    on_progress: Callable[[int, int | None], None] = lambda done, total: None,
) -> Path:
    """Bring `model` into `models_dir`, and return its folder.

    `base_url` takes the place of the publisher's address: a mirror that holds the files by their
    names. `again` replaces a model that is there, and what was pinned. `on_progress` is told the
    bytes that are here and, where known, of how many. Blocks; raises SpeechError. Interrupted, it
    goes on where it was when it is called again.
    """
    place = models_dir / model.name
    if state(model, models_dir) is State.INSTALLED and not again:
        return place
    with _writing(models_dir):
        partial_dir(models_dir).mkdir(parents=True, exist_ok=True)
        files = _downloads(model, partial_dir(models_dir), base_url)
        for file in files:
            download(file, on_progress)
        sums = {file.target.name: sha256_of(file.target) for file in files}
        manifest = manifest_path(models_dir, model.name)
        try:
            _compare(model, sums, {} if again else _pinned(manifest))
            _install(model, [file.target for file in files], place)
        except SpeechError:  # what is here is of no use: the next call begins anew
            for file in files:
                file.forget()
            raise
        contents = {
            path.relative_to(place).as_posix(): sha256_of(path)
            for path in sorted(place.rglob("*"))
            if path.is_file()
        }
        _write(manifest, {"downloads": sums, "files": contents})
        for file in files:
            file.forget()
    return place


def _downloads(model: SpeechModel, partial: Path, base_url: str | None) -> list[Download]:
    files = []
    for url in model.urls:
        name = unquote(urlsplit(url).path).rpartition("/")[2]
        source = url if base_url is None else f"{base_url.rstrip('/')}/{name}"
        files.append(Download(source, partial / name, model.limit_mb * 1_000_000))
    return files


def _pinned(manifest: Path) -> dict[str, str]:
    try:
        downloads = json.loads(manifest.read_text(encoding="utf-8"))["downloads"]
    except (FileNotFoundError, ValueError, KeyError):
        return {}
    return dict(downloads)


def _compare(model: SpeechModel, sums: dict[str, str], pinned: dict[str, str]) -> None:
    if model.sha256 is not None:
        pinned = {next(iter(sums)): model.sha256}
    for name, digest in sums.items():
        wanted = pinned.get(name, digest)
        if wanted != digest:
            raise SpeechError(
                f"{name} is not what it was: SHA-256 {digest}, not {wanted}; "
                "ask its publisher, and fetch it with --again if the change is meant"
            )


def _install(model: SpeechModel, files: list[Path], place: Path) -> None:
    """Put the model together beside its place, and move it there."""
    made = files[0].with_name(f"{model.name}.new")
    shutil.rmtree(made, ignore_errors=True)
    try:
        if model.archived:
            unpack(files[0], made, 4 * model.limit_mb * 1_000_000)
        else:
            made.mkdir()
            for file in files:
                shutil.copyfile(file, made / file.name)
        if model.kind == "stt" and not (made / "am" / "final.mdl").is_file():
            raise SpeechError(f"the download of {model.name} is no vosk model; check its address")
        if model.kind == "tts" and not _is_json(made / files[-1].name):
            raise SpeechError(f"the download of {model.name} is no voice; check its address")
        _replace(made, place, made.with_suffix(".old"))
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _is_json(path: Path) -> bool:
    try:
        json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        return False
    return True


def _replace(made: Path, place: Path, old: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    if place.exists():
        place.rename(old)
    made.rename(place)
    shutil.rmtree(old, ignore_errors=True)


def _write(path: Path, value: object) -> None:
    new = path.with_suffix(".new")
    new.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    new.replace(path)


@contextmanager
def _writing(models_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SpeechError(
            f"cannot write in {models_dir}: {error.strerror or error}; "
            "choose another place with --dir or PALABRE_MODELS_DIR"
        ) from error
