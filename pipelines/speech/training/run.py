"""The training from nothing to a network, in steps that a kill does not undo."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.speech.kaldi.phones import PHONES
from pipelines.speech.training import features
from pipelines.speech.training.augment import Recipe
from pipelines.speech.training.dataset import CALLS, Dataset, load
from pipelines.speech.training.examples import Examples, batches, cepstra_of, examples
from pipelines.speech.training.features import Floats
from pipelines.speech.training.network import Network, Spec
from pipelines.speech.training.trainer import Schedule, Trainer

__all__ = ["SHIPPED", "Progress", "Settings", "Trained", "architecture", "learn"]


@dataclass(frozen=True, slots=True)
class Settings:
    """What is trained, and for how long. The defaults are the French demo's."""

    language: str = "fr"
    shards: int = 33
    epochs: int = 5
    calls: int = CALLS
    """In a shard."""
    seed: int = 1
    respoken: float = 0.5
    """Share of the calls that the second synthesiser says."""
    width: int = 512
    bottleneck: int = 128
    sequences: int = 32
    """Of a batch."""
    steps: int = 48
    """Of a sequence: 1.4 s."""
    group: int = 3
    """Shards that are shuffled together."""
    sentences: int = 200_000
    """That the language model is estimated from."""
    measured: int = 200
    """Lines of each kind that the word error rate is measured with, at the end."""
    recipe: Recipe = field(default_factory=Recipe)


SHIPPED: Mapping[str, Settings] = {
    "fr": Settings(),
    # Fewer words, and the second synthesiser does not speak English.
    "en": Settings("en", shards=12, respoken=0.0, width=384, bottleneck=96),
}
"""How the demo of each language is trained."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Told after each group of shards: how far, of how many, and how it went."""

    done: int
    total: int
    loss: float
    right: float


@dataclass(frozen=True, slots=True)
class Trained:
    """A network, its training's steps by pdf, and cepstra [frames, CEPSTRA] with the mean that
    calls begin with."""

    network: Network
    counts: NDArray[np.int64]
    cepstra: Floats


def architecture(language: str, width: int, bottleneck: int) -> tuple[Spec, ...]:
    """Factored time-delay layers: 210 ms before a step and 120 ms after it."""

    def block(before: int, after: int) -> tuple[Spec, Spec]:
        reach = (0,) if not after else (0, after)
        return (
            Spec(bottleneck, (-before, 0), relu=False),
            Spec(width, reach, skip=0.66, skip_from=2),
        )

    return (
        Spec(width, tuple(range(-3, 4))),
        *block(3, 3),
        *block(3, 3),
        *block(6, 3),
        *block(6, 0),
        Spec(2 * len(PHONES[language]), (0,), relu=False),
    )


def learn(
    settings: Settings,
    dataset: Dataset,
    checkpoint: Path,
    workers: Executor,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Trained:
    """Train on the shards of `dataset`, which are there; goes on from `checkpoint` if it is there.

    The same settings give the same network, up to the order in which the machine's matrix library
    adds.
    """
    network = Network(
        features.CEPSTRA,
        architecture(settings.language, settings.width, settings.bottleneck),
        seed=settings.seed,
    )
    sample, mean = _mean(settings, dataset.paths[0])
    groups = [
        (epoch, first)
        for epoch in range(settings.epochs)
        for first in range(0, settings.shards, settings.group)
    ]
    per_shard = _batches_of(settings, dataset.paths[0])
    trainer = Trainer(network, Schedule(per_shard * settings.shards * settings.epochs))
    counts = np.zeros(2 * len(PHONES[settings.language]), np.int64)
    done = 0
    if checkpoint.exists():
        kept = trainer.load(checkpoint)
        counts, done = kept["counts"].astype(np.int64), int(kept["done"].item())
    for index, data in _prefetched(settings, dataset, mean, groups, done, workers):
        chance = np.random.default_rng((settings.seed, *groups[index]))
        losses = [
            trainer.learn(*batch)
            for batch in batches(
                data, network, chance, sequences=settings.sequences, steps=settings.steps
            )
        ]
        counts += np.bincount(data.labels[data.labels >= 0], minlength=len(counts))
        trainer.save(checkpoint, counts=counts, done=np.array(index + 1))
        loss, right = np.mean(losses, axis=0) if losses else (0.0, 0.0)
        on_progress(Progress(index + 1, len(groups), float(loss), float(right)))
    return Trained(network, counts, sample)


def _mean(settings: Settings, path: Path) -> tuple[Floats, Floats]:
    """Cepstra of some calls as they are heard in training, and their mean."""
    chance = np.random.default_rng(settings.seed)
    sample = np.concatenate(cepstra_of(load(path)[:100], settings.recipe, chance))
    return sample, sample.mean(axis=0, dtype=np.float64).astype(np.float32)


def _batches_of(settings: Settings, path: Path) -> int:
    """Batches in a shard, about."""
    samples = sum(len(call.samples) for call in load(path))
    steps = samples // features.SHIFT // 3
    return max(1, steps // (settings.sequences * settings.steps))


def _prefetched(
    settings: Settings,
    dataset: Dataset,
    mean: Floats,
    groups: list[tuple[int, int]],
    done: int,
    workers: Executor,
) -> Iterator[tuple[int, Examples]]:
    """The groups from number `done` on, each made ready while the one before is learnt."""
    waiting: list[list[Future[Examples]]] = []

    def order(index: int) -> None:
        if index < len(groups):
            epoch, first = groups[index]
            paths = list(enumerate(dataset.paths))[first : first + settings.group]
            jobs = [
                workers.submit(_prepare, settings, path, mean, (settings.seed, epoch, shard))
                for shard, path in paths
            ]
            waiting.append(jobs)

    order(done)
    for index in range(done, len(groups)):
        order(index + 1)
        parts = [job.result() for job in waiting.pop(0)]
        yield (
            index,
            Examples(
                np.concatenate([part.features for part in parts]),
                np.concatenate([part.labels for part in parts]),
            ),
        )


def _prepare(settings: Settings, path: Path, mean: Floats, seed: tuple[int, int, int]) -> Examples:
    """In a worker: a shard as it is heard in one epoch."""
    chance = np.random.default_rng(seed)
    calls = load(path)
    return examples(calls, cepstra_of(calls, settings.recipe, chance), mean)
