"""The models that are here: found, and checked against what was downloaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from engine.errors import SpeechError
from pipelines.speech.models.registry import MODELS, SpeechModel

__all__ = [
    "DEMO",
    "Found",
    "State",
    "check",
    "find_model",
    "find_voice",
    "manifest_path",
    "partial_dir",
    "remedy",
    "sha256_of",
    "state",
]

DEMO = "vosk-fr-demo"
_DEMO_PATH = Path(__file__).parent / DEMO
_DEMO_LANGUAGE = "fr"
_DEMO_NOTICE = (
    "Reconnaissance de démonstration : elle n'a appris que des voix de synthèse et comprend mal "
    "les vraies voix. Pour un vrai modèle : palabre models fetch fr. "
    "/ Demo recogniser, trained on synthetic voices only: it understands people badly. "
    "For a real one: palabre models fetch fr."
)


class State(Enum):
    """What there is of a model."""

    ABSENT = "absent"
    PARTIAL = "partial"
    INSTALLED = "installed"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Found:
    """A recogniser in this machine; `notice`, where there is one, is for whoever reads its
    transcripts."""

    name: str
    path: Path
    language: str
    notice: str = ""

    @property
    def demo(self) -> bool:
        return self.path == _DEMO_PATH


def find_model(language: str, models_dir: Path, wanted: str | None = None) -> Found:
    """The recogniser for `language` (``fr``, ``en``): the one `wanted`, by name or path, or the
    one that was installed, or the demo.

    Raises SpeechError, which names what to run, if there is none.
    """
    demo = Found(DEMO, _DEMO_PATH, _DEMO_LANGUAGE, _DEMO_NOTICE)
    if wanted is not None:
        path = Path(wanted).expanduser()
        for candidate in (models_dir / wanted, path):
            if _is_recogniser(candidate):
                notice = _DEMO_NOTICE if _is_ours(candidate) else ""
                return Found(candidate.name, candidate, language, notice)
        if wanted == DEMO:
            return demo
        raise SpeechError(
            f"there is no recogniser {wanted!r}, in {models_dir} or as a path; "
            "run `palabre models` to see which there are"
        )
    for name in _installed_recognisers(language, models_dir):
        return Found(name, models_dir / name, language)
    if language == _DEMO_LANGUAGE:
        return demo
    raise SpeechError(
        f"no recogniser for {language!r} is installed in {models_dir}; "
        f"run `palabre models fetch {language}`"
    )


def find_voice(language: str, models_dir: Path) -> Path | None:
    """The network of an installed Piper voice for `language`, if there is one."""
    for model in MODELS:
        if model.kind == "tts" and model.language == language:
            network = models_dir / model.name / f"{model.name}.onnx"
            if network.is_file():
                return network
    return None


def remedy(path: Path) -> str:
    """What to run where the recogniser in `path` does not load."""
    if path == _DEMO_PATH:
        return "reinstall palabre, which brings it"
    try:
        scenario = json.loads((path / "built.json").read_text(encoding="utf-8"))["scenario"]
    except (OSError, ValueError, KeyError, TypeError):
        return "run `palabre models check`, then `palabre models fetch` with its language"
    return f"run `palabre models build --scenario {scenario}`"


def _installed_recognisers(language: str, models_dir: Path) -> list[str]:
    """Those of the registry first, then what the user has put there under Vosk's own names."""
    known = [m.name for m in MODELS if m.kind == "stt" and m.language == language]
    others = sorted(
        path.name
        for path in models_dir.glob("vosk-model-*")
        if language in path.name.split("-") and path.name not in known
    )
    return [name for name in (*known, *others) if _is_recogniser(models_dir / name)]


def _is_recogniser(path: Path) -> bool:
    return (path / "am" / "final.mdl").is_file() or (path / "final.mdl").is_file()


def _is_ours(path: Path) -> bool:
    """Whether it was trained by this project, or built from what was: it says so itself, by what
    its graph was made from, which published models do not keep."""
    return path.name == DEMO or (path / "graph" / "lm.arpa.gz").is_file()


# What was downloaded


def manifest_path(models_dir: Path, name: str) -> Path:
    """What the first download of `name` had: kept beside the model, also when that is removed."""
    return models_dir / f"{name}.json"


def partial_dir(models_dir: Path) -> Path:
    """Where downloads lie until they are whole."""
    return models_dir / ".partial"


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def state(model: SpeechModel, models_dir: Path) -> State:
    """What there is of `model`, by a look at its files only."""
    folder = models_dir / model.name
    if model.kind == "stt" and _is_recogniser(folder):
        return State.INSTALLED
    if model.kind == "tts" and all(
        (folder / url.rpartition("/")[2]).is_file() for url in model.urls
    ):
        return State.INSTALLED
    if folder.exists():
        return State.BROKEN
    if any(partial_dir(models_dir).glob(f"{model.name}*")):
        return State.PARTIAL
    return State.ABSENT


def check(name: str, models_dir: Path) -> list[str]:
    """What is wrong with the installed model `name`: every file is compared with what was
    unpacked. Empty if all is well."""
    manifest = manifest_path(models_dir, name)
    try:
        files: dict[str, Any] = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    except FileNotFoundError:
        return [f"{manifest} is missing, so there is nothing to compare with"]
    except (ValueError, KeyError):
        return [f"{manifest} is damaged"]
    problems = []
    for file, digest in files.items():
        path = models_dir / name / file
        if not path.is_file():
            problems.append(f"{file} is missing")
        elif sha256_of(path) != digest:
            problems.append(f"{file} has changed")
    return problems
