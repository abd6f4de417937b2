"""Calls as the network sees them: normalised features, and a label for each step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.speech.training import features
from pipelines.speech.training.augment import Recipe, augmented
from pipelines.speech.training.calls import Call
from pipelines.speech.training.features import Floats
from pipelines.speech.training.network import SUBSAMPLING, Network

__all__ = ["PADDING", "Examples", "batches", "cepstra_of", "examples", "labels"]

PADDING = 16
"""Steps repeated before and after each call, as Kaldi repeats a call's first and last frame; more
than any network's context."""

_CENTRE = features.WINDOW // 2


@dataclass(frozen=True, slots=True)
class Examples:
    """Calls one after the other: features [frames, CEPSTRA], and labels [frames / 3] with -1 where
    there is padding."""

    features: Floats
    labels: NDArray[np.int16]


def labels(call: Call, frames: int) -> NDArray[np.int16]:
    """The pdf of each step: twice the class at the middle of its frame, and one more from the
    second step of a segment on."""
    steps = -(-frames // SUBSAMPLING)
    centres = np.arange(steps) * SUBSAMPLING * features.SHIFT + _CENTRE
    owner = np.searchsorted(call.segments[:, 1], centres, side="right") - 1
    further = np.diff(owner, prepend=-1) == 0
    return np.asarray(2 * call.segments[owner, 0] + further, np.int16)


def cepstra_of(calls: Sequence[Call], recipe: Recipe, chance: np.random.Generator) -> list[Floats]:
    """Each call's cepstra before normalisation, augmented by chance."""
    made = []
    for call in calls:
        others = [calls[index].samples for index in chance.integers(0, len(calls), 3)]
        made.append(features.cepstra(augmented(call.samples, recipe, chance, others)))
    return made


def examples(calls: Sequence[Call], cepstra: Sequence[Floats], mean: Floats) -> Examples:
    """Normalised with the global `mean`, padded, labelled and joined."""
    rows: list[Floats] = []
    marks: list[NDArray[np.int16]] = []
    edge = np.full(PADDING, -1, np.int16)
    for call, raw in zip(calls, cepstra, strict=True):
        normal = features.cmvn(raw, mean)
        steps = labels(call, len(normal))
        tail = SUBSAMPLING * (len(steps) + PADDING) - len(normal)
        head = np.repeat(normal[:1], SUBSAMPLING * PADDING, axis=0)
        rows += [head, normal, np.repeat(normal[-1:], tail, axis=0)]
        marks += [edge, steps, edge]
    return Examples(np.concatenate(rows), np.concatenate(marks))


def batches(
    data: Examples, network: Network, chance: np.random.Generator, *, sequences: int, steps: int
) -> Iterator[tuple[Floats, NDArray[np.int16]]]:
    """Pieces of `steps` in random order: features [sequences, frames, CEPSTRA] and labels."""
    left, _ = network.context
    first = PADDING + int(chance.integers(steps))
    starts = np.arange(first, len(data.labels) - steps - PADDING, steps)
    chance.shuffle(starts)
    frames = np.arange(network.frames_for(steps))
    for at in range(0, len(starts) - sequences + 1, sequences):
        chosen = starts[at : at + sequences, None]
        yield (
            data.features[SUBSAMPLING * chosen - left + frames],
            data.labels[chosen + np.arange(steps)],
        )
