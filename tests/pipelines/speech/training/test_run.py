from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.speech.kaldi.phones import PHONES
from pipelines.speech.training import features
from pipelines.speech.training.calls import Call
from pipelines.speech.training.dataset import Dataset, load, store
from pipelines.speech.training.network import Network
from pipelines.speech.training.run import (
    SHIPPED,
    Progress,
    Settings,
    Trained,
    architecture,
    learn,
)

SMALL = Settings(
    shards=2, epochs=2, calls=2, width=16, bottleneck=8, sequences=2, steps=8, group=1
)  # fmt: skip


class Here(Executor):
    """Does at once, in this thread, what it is given."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(fn(*args, **kwargs))
        return done


def _call(seed: int) -> Call:
    chance = np.random.default_rng(seed)
    samples = chance.integers(-2000, 2000, 12_000).astype(np.int16)
    return Call(samples, np.array([[0, 0], [1 + seed, 4000], [0, 9000]], np.int32))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    made = Dataset(tmp_path, "fr", SMALL.shards, calls=SMALL.calls)
    for index, path in enumerate(made.paths):
        store(path, [_call(2 * index), _call(2 * index + 1)])
    return made


def _same(one: Trained, other: Trained) -> bool:
    pairs = zip(one.network.layers, other.network.layers, strict=True)
    return all(np.array_equal(a.weights, b.weights) for a, b in pairs)


def test_shards_are_read_as_they_were_stored(dataset: Dataset) -> None:
    first, second = load(dataset.paths[1])
    assert np.array_equal(first.samples, _call(2).samples)
    assert np.array_equal(second.segments, _call(3).segments)
    assert not list(dataset.synthesise(Here()))  # nothing is missing


def test_a_training_that_was_stopped_goes_on_where_it_was(dataset: Dataset, tmp_path: Path) -> None:
    told: list[Progress] = []
    whole = learn(SMALL, dataset, tmp_path / "whole.npz", Here(), told.append)
    assert [(progress.done, progress.total) for progress in told] == [
        (1, 4), (2, 4), (3, 4), (4, 4)
    ]  # fmt: skip

    def stop(progress: Progress) -> None:
        if progress.done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(SMALL, dataset, tmp_path / "stopped.npz", Here(), stop)
    told.clear()
    resumed = learn(SMALL, dataset, tmp_path / "stopped.npz", Here(), told.append)
    assert [progress.done for progress in told] == [4]
    assert _same(whole, resumed)
    assert np.array_equal(whole.counts, resumed.counts)


def test_another_seed_is_another_network(dataset: Dataset, tmp_path: Path) -> None:
    from dataclasses import replace

    one = learn(SMALL, dataset, tmp_path / "1.npz", Here())
    other = learn(replace(SMALL, seed=2), dataset, tmp_path / "2.npz", Here())
    assert not _same(one, other)


@pytest.mark.parametrize("language", SHIPPED)
def test_the_shipped_networks_size_and_reach(language: str) -> None:
    settings = SHIPPED[language]
    assert settings.language == language
    specs = architecture(language, settings.width, settings.bottleneck)
    network = Network(features.CEPSTRA, specs)
    assert 0.5e6 < network.size < 1.2e6
    assert specs[-1].outputs == 2 * len(PHONES[language])
    assert network.context == (21, 12)
