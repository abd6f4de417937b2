"""Word error rates of a model on voices and sentences that training kept away from it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.speech.corpus import commands, held_out
from pipelines.speech.espeak import EspeakVoice, Library
from pipelines.speech.training import voices
from pipelines.speech.training.augment import telephone
from pipelines.speech.training.calls import Plan, synthesise
from pipelines.speech.training.dataset import voiced_library
from pipelines.speech.training.voices import ACCENTS

__all__ = ["error_rates", "errors"]

_CHUNK_BYTES = 3200
_SETTLE_BYTES = 16_000
"""Half a second of silence after each sentence."""

Samples = NDArray[np.int16]


def error_rates(
    model: Path, folder: Path, language: str, seed: int = 1, count: int = 200
) -> dict[str, float]:
    """Percent of words wrong, by what was heard: `count` lines of each kind. Speaks with the voices
    below `folder`, so in a process that has not used espeak-ng otherwise."""
    import vosk

    vosk.SetLogLevel(-1)
    loaded = vosk.Model(str(model))
    chance = random.Random(f"measure {seed}")
    library = voiced_library(folder, language)
    rates = {}
    for name, pool in (("sentences", held_out(language)), ("short commands", commands(language))):
        lines = chance.sample(pool, min(len(pool), count))
        spoken = list(_spoken(library, lines, language, chance))
        rates[f"{name}, 16 kHz"] = _rate(loaded, spoken)
        noise = np.random.default_rng(seed)
        narrow = [(_narrow(samples, noise), text) for samples, text in spoken]
        rates[f"{name}, 8 kHz mu-law"] = _rate(loaded, narrow)
    return rates


def _spoken(
    library: Library, lines: Sequence[str], language: str, chance: random.Random
) -> Iterator[tuple[Samples, str]]:
    unseen = [voice.name for voice in voices.voices() if voice.unseen]
    for text in lines:
        name = f"{ACCENTS[language][0]}+{chance.choice(unseen)}"
        voice = EspeakVoice(name, chance.randint(140, 200), chance.randint(30, 70))
        plan = Plan(voice, 1.0, (text,), (300, 300))
        yield synthesise(library, plan, language).samples, text


def _narrow(samples: Samples, chance: np.random.Generator) -> Samples:
    narrow = telephone(samples.astype(np.float32), chance)
    return np.clip(narrow, -32768, 32767).astype(np.int16)


def _rate(model: object, spoken: Sequence[tuple[Samples, str]]) -> float:
    import vosk

    wrong = words = 0
    for samples, text in spoken:
        recogniser = vosk.KaldiRecognizer(model, 16_000)
        pcm = samples.tobytes() + bytes(_SETTLE_BYTES)
        heard = [
            json.loads(recogniser.Result())["text"]
            for at in range(0, len(pcm), _CHUNK_BYTES)
            if recogniser.AcceptWaveform(pcm[at : at + _CHUNK_BYTES])
        ]
        heard.append(json.loads(recogniser.FinalResult())["text"])
        wrong += errors(text.split(), " ".join(heard).split())
        words += len(text.split())
    return 100 * wrong / words


def errors(said: Sequence[str], heard: Sequence[str]) -> int:
    """Words to change, to leave out and to put in between the two (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for count, word in enumerate(said, 1):
        diagonal, row[0] = row[0], count
        for index, other in enumerate(heard, 1):
            change = diagonal + (word != other)
            diagonal, row[index] = row[index], min(row[index] + 1, row[index - 1] + 1, change)
    return row[-1]
