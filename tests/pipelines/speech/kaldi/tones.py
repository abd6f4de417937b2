"""A language of tones: each class of phones is a frequency, so that Vosk can be held to every word
without anything trained. The network is one layer, which takes the nearest of the tones' means."""

import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.speech.kaldi.binary import Precision
from pipelines.speech.kaldi.config import write_config, write_mean
from pipelines.speech.kaldi.lexicon import Pronunciation
from pipelines.speech.kaldi.nnet3 import Layer, write_model
from pipelines.speech.kaldi.phones import PHONES, transcribe
from pipelines.speech.training.features import mfcc

RATE_HZ = 16_000
CLASSES = PHONES["fr"]
PHONE_MS = 90
PAUSE_MS = 150

Floats = NDArray[np.float32]


def _tone(number: int, samples: int) -> Floats:
    """Class `number` (0 is silence) for so many samples, of int16's scale."""
    noise = np.random.default_rng(number).normal(0, 20, samples)
    if number:
        low, high = (1127 * np.log1p(np.array([250, 6500]) / 700)).tolist()
        hz = 700 * np.expm1((low + (high - low) * number / len(CLASSES)) / 1127)
        noise += 6000 * np.sin(2 * np.pi * hz * np.arange(samples) / RATE_HZ)
    return noise.astype(np.float32)


def sound(words: Iterable[Pronunciation | None]) -> bytes:
    """The words, s16le at 16 kHz, with silence before and after them, and where there is None."""
    phones: list[tuple[int, int]] = [(0, 3 * PAUSE_MS)]
    for word in words:
        if word is None:
            phones.append((0, PAUSE_MS))
        else:
            phones += [(CLASSES.index(phone), PHONE_MS) for phone in word]
    phones.append((0, 3 * PAUSE_MS))
    pieces = [_tone(number, RATE_HZ * length // 1000) for number, length in phones]
    return np.concatenate(pieces).clip(-32768, 32767).astype("<i2").tobytes()


@cache
def network() -> tuple[Layer, NDArray[np.float64]]:
    """And the cepstra whose mean a call begins with: of all tones and silence in turn, so that the
    mean hardly moves while a call goes on."""
    heard = [mfcc(_tone(number, RATE_HZ // 5)) for number in range(len(CLASSES))]
    every = np.concatenate([*heard, *[heard[0]] * len(heard)]).astype(np.float64)
    means = np.stack([frames.mean(axis=0) for frames in heard]) - every.mean(axis=0)
    # Twice the inner product less the square is the distance, but for what all classes share.
    weights = np.repeat(2 * means, 2, axis=0)
    bias = np.repeat(-np.square(means).sum(axis=1), 2)
    scale = 0.01
    return Layer((scale * weights).astype(np.float32), (scale * bias).astype(np.float32)), every


def write_acoustic(
    folder: Path,
    layers: Sequence[Layer] | None = None,
    precision: Precision = Precision.ONE_BYTE,
) -> None:
    """Write ``am`` and ``conf`` of the model in `folder`; its own network if not another."""
    layer, cepstra = network()
    path = folder / "am" / "final.mdl"
    write_model(path, CLASSES, layers or [layer], precision=precision)
    write_mean(folder, cepstra)
    write_config(folder)


def say(text: str) -> bytes:
    """The words of `text` as espeak-ng would say them; a comma is a pause."""
    words: list[Pronunciation | None] = []
    for part in text.split(","):
        words += [*([None] if words else []), *transcribe(part, "fr")]
    return sound(words)


def heard(model: Path, text: str, grammar: Sequence[str] | None = None) -> str:
    """What Vosk hears of `text`."""
    return " ".join(word for word, _, _ in hear(model, say(text), grammar))


def hear(
    model: Path, pcm: bytes, grammar: Sequence[str] | None = None
) -> list[tuple[str, float, float]]:
    """What Vosk hears: words, each with its beginning and end in seconds."""
    import vosk

    vosk.SetLogLevel(-1)
    loaded = vosk.Model(str(model))
    if grammar is None:
        recogniser = vosk.KaldiRecognizer(loaded, RATE_HZ)
    else:
        words = json.dumps(list(grammar), ensure_ascii=False)
        recogniser = vosk.KaldiRecognizer(loaded, RATE_HZ, words)
    recogniser.SetWords(True)
    pieces = (pcm[start : start + 3200] for start in range(0, len(pcm), 3200))
    parts = [recogniser.Result() for piece in pieces if recogniser.AcceptWaveform(piece)]
    parts.append(recogniser.FinalResult())
    found = [word for part in parts for word in json.loads(part).get("result", ())]
    return [(word["word"], word["start"], word["end"]) for word in found]
