from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.speech.training.features import Floats
from pipelines.speech.training.network import Network, Spec
from pipelines.speech.training.trainer import Schedule, Trainer

SPECS = (Spec(16, (-1, 0, 1)), Spec(16, (-3, 0), skip=0.5), Spec(4, (0,), relu=False))


def _batch(chance: np.random.Generator, network: Network) -> tuple[Floats, NDArray[np.int16]]:
    """Labels that can be read off the features."""
    steps = 10
    given = chance.standard_normal((8, network.frames_for(steps), 2)).astype(np.float32)
    left, _ = network.context
    middle = given[:, left::3][:, :steps]
    labels = (middle[..., 0] > 0) * 2 + (middle[..., 1] > 0)
    return given, labels.astype(np.int16)


def _trainer() -> Trainer:
    return Trainer(Network(2, SPECS, seed=1), Schedule(200, peak=1e-2, warm_up=10))


def test_it_learns() -> None:
    trainer = _trainer()
    chance = np.random.default_rng(1)
    results = [trainer.learn(*_batch(chance, trainer.network)) for _ in range(150)]
    assert results[0][1] < 0.5
    assert results[-1][1] > 0.9
    given, wanted = _batch(chance, trainer.network)
    heard = trainer.network.forward(given).argmax(axis=2)  # with the running statistics
    assert (heard == wanted).mean() > 0.85


def test_a_checkpoint_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    trainer = _trainer()
    chance = np.random.default_rng(1)
    data = [_batch(chance, trainer.network) for _ in range(8)]
    for batch in data[:4]:
        trainer.learn(*batch)
    trainer.save(tmp_path / "point.npz", done=np.array(4))
    other = _trainer()
    assert int(other.load(tmp_path / "point.npz")["done"].item()) == 4
    for batch in data[4:]:
        assert trainer.learn(*batch) == other.learn(*batch)


def test_the_rate_rises_and_falls() -> None:
    schedule = Schedule(1000, peak=1.0, warm_up=100)
    assert schedule.rate(0) == pytest.approx(0.01)
    assert schedule.rate(99) > schedule.rate(50)
    assert schedule.rate(500) == pytest.approx(0.5)
    assert schedule.rate(1000) == pytest.approx(0)
