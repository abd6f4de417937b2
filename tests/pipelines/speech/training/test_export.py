from __future__ import annotations

import numpy as np
import pytest

from pipelines.speech.kaldi.nnet3 import Layer
from pipelines.speech.training.export import PRIORS, layers, log_priors
from pipelines.speech.training.features import Floats
from pipelines.speech.training.network import SUBSAMPLING, Network, Spec


def _computed(made: list[Layer], frames: Floats, at: int) -> Floats:
    """A layer's formula, frame by frame, as its docstring has it."""

    def output(index: int, frame: int) -> Floats:
        if index < 0:
            return np.asarray(frames[frame], np.float32)
        layer = made[index]
        spliced = np.concatenate([output(index - 1, frame + offset) for offset in layer.offsets])
        y = layer.bias + layer.weights @ spliced
        if layer.relu:
            y = np.maximum(y, 0)
        if layer.scale is not None and layer.shift is not None:
            y = layer.shift + layer.scale * y
        if layer.skip:
            y = y + layer.skip * output(index - layer.skip_from, frame)
        return np.asarray(y, np.float32)

    return output(len(made) - 1, at)


def test_what_is_written_computes_what_was_trained() -> None:
    specs = (
        Spec(12, (-1, 0, 1)),
        Spec(5, (-3, 0), relu=False),
        Spec(12, (0, 3), skip=0.66, skip_from=2),
        Spec(6, (0,), relu=False),
    )
    network = Network(4, specs, seed=1)
    chance = np.random.default_rng(2)
    for layer in network.layers:
        layer.weights[:] = chance.normal(0, 0.3, layer.weights.shape)
        layer.bias[:] = chance.normal(0, 0.3, layer.bias.shape)
        layer.mean[:] = chance.normal(0.5, 0.1, layer.mean.shape)
        layer.variance[:] = chance.uniform(0.5, 2, layer.variance.shape)
    given = chance.standard_normal((1, network.frames_for(3), 4)).astype(np.float32)
    priors = chance.normal(-3, 1, 6).astype(np.float32)
    logits = network.forward(given)[0]
    made = layers(network, priors, 0.25)
    left, _ = network.context
    for step in range(3):
        computed = _computed(made, given[0], left + SUBSAMPLING * step)
        assert np.allclose(computed, 0.25 * (logits[step] - priors), atol=1e-4)


def test_priors_of_rare_and_of_common_pdfs_are_held() -> None:
    priors = np.exp(log_priors(np.array([0, 10, 20, 970])))
    assert priors == pytest.approx([PRIORS[0], 0.01, 0.02, PRIORS[1]])
