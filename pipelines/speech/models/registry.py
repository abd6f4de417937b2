"""The models that `palabre models` knows.

No checksum of theirs stands here, because none was verified by us: what the first download had is
pinned beside the model, and every later check compares with that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from engine.errors import ConfigurationError

__all__ = ["MODELS", "SpeechModel", "wanted_models"]

_VOSK = "https://alphacephei.com/vosk/models"
_PIPER = "https://huggingface.co/rhasspy/piper-voices/resolve/main"


@dataclass(frozen=True, slots=True)
class SpeechModel:
    """A recogniser (``stt``) or a voice (``tts``) that can be fetched.

    `urls` are its files: one archive for Vosk, the network and its description for Piper.
    `about_mb` is what it weighs, roughly, to download; a download that passes `limit_mb` is
    refused, and so is an archive that unpacks to more than four times that.
    """

    name: str
    language: str
    kind: Literal["stt", "tts"]
    urls: tuple[str, ...]
    about_mb: int
    limit_mb: int
    sha256: str | None = None
    """Of the archive, where somebody we trust says it."""

    @property
    def archived(self) -> bool:
        return self.urls[0].endswith(".zip")


def _vosk(name: str, language: str, about_mb: int) -> SpeechModel:
    return SpeechModel(name, language, "stt", (f"{_VOSK}/{name}.zip",), about_mb, 4 * about_mb)


def _piper(locale: str, voice: str, quality: str, about_mb: int) -> SpeechModel:
    name = f"{locale}-{voice}-{quality}"
    language = locale.partition("_")[0]
    network = f"{_PIPER}/{language}/{locale}/{voice}/{quality}/{name}.onnx"
    return SpeechModel(name, language, "tts", (network, f"{network}.json"), about_mb, 4 * about_mb)


MODELS = (
    _vosk("vosk-model-small-fr-0.22", "fr", 41),
    _vosk("vosk-model-small-en-us-0.15", "en", 40),
    _piper("fr_FR", "siwis", "medium", 63),
    _piper("en_US", "lessac", "medium", 63),
)


def wanted_models(names: Sequence[str]) -> list[SpeechModel]:
    """The models of `names`: names of models, or languages, whose recogniser is meant.

    Raises ConfigurationError for one that is neither.
    """
    found: list[SpeechModel] = []
    for name in names:
        models = [
            model
            for model in MODELS
            if model.name == name or (model.language == name and model.kind == "stt")
        ]
        if not models:
            known = ", ".join([*sorted({m.language for m in MODELS}), *(m.name for m in MODELS)])
            raise ConfigurationError(f"no model or language {name!r}; known are {known}")
        found.extend(model for model in models if model not in found)
    return found
