"""Recognisers with a scenario's own words, built here from the demo.

Only models that keep what their graph was made from can be given words: the demo does. A model
as published by Vosk does not; a question that expects few answers listens for these with a runtime
grammar, on any model, as far as the model has their words.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ConfigurationError, SpeechError
from pipelines.speech.kaldi.lexicon import Lexicon
from pipelines.speech.models.installed import DEMO, Found, partial_dir

__all__ = ["Built", "build", "built_for", "built_here", "built_name"]

MANIFEST = "built.json"
_BASE = ("am/final.mdl", "graph/lm.arpa.gz", "graph/lexiconp.txt")
"""Files of the base that what is built depends on."""


@dataclass(frozen=True, slots=True)
class Built:
    """A model in `path` with `words` words, of which `new` are not in the model it was built from,
    each with how it is said (classes of `pipelines.speech.kaldi.phones`)."""

    path: Path
    words: int
    new: Lexicon


def built_name(scenario: str, language: str) -> str:
    """What the folder of a scenario's model is called.

    Raises ConfigurationError for a name that no folder of its own can have.
    """
    slug = re.sub(r"[^\w.-]+", "-", scenario.strip().lower()).strip("-.")
    name = f"vosk-{language}-{slug}"
    if not slug or name.endswith("-demo"):
        raise ConfigurationError(f"no model can be named after scenario {scenario!r}; rename it")
    return name


def built_for(scenario: str, language: str, models_dir: Path, base: Path) -> Path | None:
    """The model built for a scenario from `base` as that is now; None if there is none."""
    path = models_dir / built_name(scenario, language)
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
        current = manifest["base_digest"] == _digest(base)
    except (OSError, ValueError, KeyError, TypeError):  # none, damaged, or a base of another kind
        return None
    return path if current else None


def built_here(models_dir: Path) -> Iterator[tuple[str, str, str]]:
    """The models that were built: name, language and scenario of each, by name."""
    for path in sorted(models_dir.glob(f"vosk-*/{MANIFEST}")):
        try:
            manifest = json.loads(path.read_text(encoding="utf-8"))
            yield path.parent.name, str(manifest["language"]), str(manifest["scenario"])
        except (OSError, ValueError, KeyError, TypeError):
            continue  # damaged; `built_for` does not take it either


def build(
    base: Found,
    scenario: str,
    sentences: Sequence[str],
    models_dir: Path,
    on_step: Callable[[str], None] = lambda step: None,
) -> Built:
    """Build the model for what callers of `scenario` are expected to say, in `base`'s language.

    `sentences` are normalised. What was built for the scenario before is replaced when the new one
    is whole. Takes seconds. Raises SpeechError, which says what to do instead, for a model that
    cannot be given words, and ConfigurationError for a scenario without sentences.
    """
    from pipelines.speech.kaldi.build import can_extend, extend

    if not sentences:
        raise ConfigurationError(f"scenario {scenario!r} expects no words; nothing to build")
    if not can_extend(base.path):
        raise SpeechError(
            f"{base.name} is complete as it was published: no words can be added to it here. "
            "Questions that expect few answers listen for these alone, as far as the model has "
            f"their words; to build on the demo model, give --model {DEMO}"
        )
    path = models_dir / built_name(scenario, base.language)
    draft = partial_dir(models_dir) / path.name
    try:
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        extended = extend(base.path, draft, base.language, sentences, on_step)
        manifest = {
            "scenario": scenario,
            "language": base.language,
            "base": base.name,
            "base_digest": _digest(base.path),
        }
        (draft / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
        shutil.rmtree(path, ignore_errors=True)
        draft.rename(path)
    except OSError as error:
        raise SpeechError(
            f"cannot write {path}: {error.strerror}; free room there, or give another --dir"
        ) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return Built(path, extended.words, extended.new)


def _digest(base: Path) -> str:
    digest = hashlib.sha256()
    for name in _BASE:
        digest.update((base / name).read_bytes())
    return digest.hexdigest()
