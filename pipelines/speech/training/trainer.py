"""Adam, a schedule, and checkpoints: what is learnt survives a kill."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.speech.training.features import Floats
from pipelines.speech.training.network import Network, cross_entropy

__all__ = ["Schedule", "Trainer"]

_MOMENTUM, _MEMORY = 0.9, 0.99
_EPSILON = 1e-8
_LARGEST = 5.0
"""Norm to which a batch's gradient is cut."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The rate rises over `warm_up` batches and falls as a cosine until `total`."""

    total: int
    peak: float = 3e-3
    warm_up: int = 100

    def rate(self, step: int) -> float:
        done = min(1.0, step / self.total)
        return self.peak * min(1.0, (step + 1) / self.warm_up) * (1 + math.cos(math.pi * done)) / 2


@dataclass(slots=True)
class Trainer:
    """A network, its optimiser's state and how far it is."""

    network: Network
    schedule: Schedule
    decay: float = 1e-4
    """Of weights, for each batch, times the rate."""
    step: int = 0
    _first: list[Floats] = field(init=False)
    _second: list[Floats] = field(init=False)

    def __post_init__(self) -> None:
        self._first = [np.zeros_like(array) for array in self._arrays()]
        self._second = [np.zeros_like(array) for array in self._arrays()]

    def learn(self, features: Floats, labels: NDArray[np.int16]) -> tuple[float, float]:
        """One batch; its loss in nats and share of right steps, before it was learnt."""
        logits = self.network.forward(features, training=True)
        loss, right, gradient = cross_entropy(logits, labels.astype(np.intp))
        self._update([array for pair in self.network.backward(gradient) for array in pair])
        return loss, right

    def _update(self, gradients: Sequence[Floats]) -> None:
        rate = self.schedule.rate(self.step)
        self.step += 1
        norm = math.sqrt(sum(float(np.vdot(array, array)) for array in gradients))
        cut = np.float32(min(1.0, _LARGEST / (norm + _EPSILON)))
        first_rate = np.float32(rate / (1 - _MOMENTUM**self.step))
        second_scale = np.float32(1 / (1 - _MEMORY**self.step))
        kept = np.float32(1 - rate * self.decay)
        for index, array in enumerate(self._arrays()):
            first, second = self._first[index], self._second[index]
            gradient = gradients[index] * cut
            first += np.float32(1 - _MOMENTUM) * (gradient - first)
            second += np.float32(1 - _MEMORY) * (gradient**2 - second)
            if array.ndim == 2:
                np.multiply(array, kept, out=array)
            change = first_rate * first / (np.sqrt(second * second_scale) + np.float32(_EPSILON))
            np.subtract(array, change, out=array)

    def _arrays(self) -> list[Floats]:
        return [array for layer in self.network.layers for array in (layer.weights, layer.bias)]

    def _statistics(self) -> list[Floats]:
        return [array for layer in self.network.layers for array in (layer.mean, layer.variance)]

    def save(self, path: Path, **more: NDArray[np.generic]) -> None:
        """Write a checkpoint, whole or not at all; `more` is kept with it."""
        groups = (self._arrays(), self._first, self._second, self._statistics())
        state = {
            f"{group}-{index}": array
            for group, arrays in enumerate(groups)
            for index, array in enumerate(arrays)
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part.npz")
        arrays: dict[str, Any] = {"step": np.array(self.step), **state, **more}
        np.savez(partial, **arrays)
        partial.rename(path)

    def load(self, path: Path) -> dict[str, NDArray[np.generic]]:
        """Go on from a checkpoint; gives back what was kept with it."""
        with np.load(path) as stored:
            state = dict(stored)
        self.step = int(state.pop("step"))
        groups = (self._arrays(), self._first, self._second, self._statistics())
        for group, arrays in enumerate(groups):
            for index, array in enumerate(arrays):
                array[...] = state.pop(f"{group}-{index}")
        return state
