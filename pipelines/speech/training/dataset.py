"""The calls that are learnt from: synthesised once, kept in shards on the disk."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from functools import cache
from multiprocessing import current_process
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipelines.speech.training import calls, voices
from pipelines.speech.training.calls import Call, synthesise
from pipelines.speech.training.formants import respoken

if TYPE_CHECKING:
    from pipelines.speech.espeak import Library

__all__ = ["CALLS", "Dataset", "load", "store", "voiced_library"]

CALLS = 400
"""In a shard: about 40 minutes."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """`shards` of calls in `language`, below `folder`; drawn with `seed`, by voices in training or
    by those kept out of it."""

    folder: Path
    language: str
    shards: int
    seed: int = 1
    unseen: bool = False
    calls: int = CALLS
    respoken: float = 0.0
    """Share of the calls that the second synthesiser says after espeak-ng."""

    @property
    def paths(self) -> list[Path]:
        kind = "unseen" if self.unseen else "seen"
        drawn = f"{self.seed}-{self.calls}-{round(100 * self.respoken)}"
        stem = f"{self.language}-{kind}-{drawn}-{_version()}"
        return [self.folder / "calls" / f"{stem}-{index:03d}.npz" for index in range(self.shards)]

    def synthesise(self, workers: Executor) -> Iterator[Path]:
        """Make the shards that are not there yet; yields each as it is done."""
        missing = [(index, path) for index, path in enumerate(self.paths) if not path.exists()]
        jobs = [workers.submit(_make, self, index, path) for index, path in missing]
        for job in as_completed(jobs):
            yield job.result()


def load(path: Path) -> list[Call]:
    """The calls of a shard."""
    with np.load(path) as stored:
        samples, segments = stored["samples"], stored["segments"]
        at = np.cumsum(stored["lengths"])[:-1]
        row = np.cumsum(stored["rows"])[:-1]
    return [
        Call(one, other)
        for one, other in zip(np.split(samples, at), np.split(segments, row), strict=True)
    ]


def _make(dataset: Dataset, index: int, path: Path) -> Path:
    """In a worker: one shard, drawn by its own number, written whole or not at all."""
    chance = random.Random(f"{dataset.language} {dataset.seed} {dataset.unseen} {index}")
    speakers = [voice for voice in voices.voices() if voice.unseen == dataset.unseen]
    lines = calls.texts(dataset.language, chance.randrange(1 << 30))
    library = voiced_library(dataset.folder, dataset.language)
    data = _data(dataset.folder, dataset.language)
    other = np.random.default_rng(chance.randrange(1 << 30))
    made = []
    for _ in range(dataset.calls):
        drawn = calls.plan(speakers, dataset.language, lines, chance)
        if drawn.definition is not None:
            voices.redefine(data, drawn.definition)
        call = synthesise(library, drawn, dataset.language)
        if other.random() < dataset.respoken:
            call = respoken(call, other, dataset.language)
        made.append(call)
    store(path, made)
    return path


def store(path: Path, made: Sequence[Call]) -> None:
    """Write calls as a shard."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part.npz")
    np.savez(
        partial,
        samples=np.concatenate([call.samples for call in made]),
        lengths=[len(call.samples) for call in made],
        segments=np.concatenate([call.segments for call in made]),
        rows=[len(call.segments) for call in made],
    )
    partial.rename(path)


@cache
def voiced_library(folder: Path, language: str) -> Library:
    """espeak-ng with every voice of `voices`, in a process that has not used it otherwise."""
    from pipelines.speech.espeak import Library

    return Library(_data(folder, language))


@cache
def _data(folder: Path, language: str) -> Path:
    """espeak-ng's data for this process, which redefines a voice."""
    every = voices.voices()
    first = voices.fresh(every[-1], random.Random(0))
    speakers = (*every, voices.Voice(voices.FRESH, first, unseen=False))
    return voices.lay_out(folder / current_process().name, speakers, language)


@cache
def _version() -> str:
    """Changes when what draws the calls changes: its own sources, and the corpus."""
    here = Path(__file__).parent
    names = ("calls.py", "voices.py", "formants.py")
    sources = [*(here / name for name in names), here.parent / "kaldi" / "phones.py"]
    corpus = here.parent / "corpus"
    sources += [path for path in sorted(corpus.rglob("*")) if path.suffix in {".py", ".yaml"}]
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources))
    return digest.hexdigest()[:8]
