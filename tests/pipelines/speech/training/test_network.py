from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipelines.speech.training.network import Network, Spec, cross_entropy

SPECS = (
    Spec(12, (-2, -1, 0, 1)),
    Spec(5, (-3, 0), relu=False),
    Spec(12, (0, 3), skip=0.66, skip_from=2),
    Spec(12, (-3, 0, 3), skip=0.5),
    Spec(6, (0,), relu=False),
)


def _network(dropout: float = 0.0) -> Network:
    network = Network(4, SPECS, dropout=dropout)
    chance = np.random.default_rng(0)
    for layer in network.layers:  # in double precision, so that differences can be taken
        layer.weights = chance.standard_normal(layer.weights.shape) * 0.3  # type: ignore[assignment]
        layer.bias = chance.standard_normal(layer.bias.shape) * 0.1  # type: ignore[assignment]
    return network


@pytest.mark.parametrize("layer", range(len(SPECS)))
def test_the_gradient_is_that_of_the_loss(layer: int) -> None:
    network = _network()
    chance = np.random.default_rng(1)
    given: Any = chance.standard_normal((3, network.frames_for(7), 4))
    labels = chance.integers(-1, 6, (3, 7))

    def loss() -> float:
        return cross_entropy(network.forward(given, training=True), labels)[0]

    logits = network.forward(given, training=True)
    gradients = network.backward(cross_entropy(logits, labels)[2])
    arrays = (network.layers[layer].weights, network.layers[layer].bias)
    for array, gradient in zip(arrays, gradients[layer], strict=True):
        assert gradient.shape == array.shape
        for _ in range(5):
            at = tuple(chance.integers(size) for size in array.shape)
            kept = array[at]
            array[at] = kept + 1e-5
            above = loss()
            array[at] = kept - 1e-5
            below = loss()
            array[at] = kept
            assert gradient[at] == pytest.approx((above - below) / 2e-5, abs=2e-5)


def test_context_is_what_an_output_reads() -> None:
    network = _network()
    assert network.context == (8, 7)
    frames = network.frames_for(5)
    given = np.zeros((1, frames, 4), np.float32)
    before = network.forward(given)
    assert before.shape == (1, 5, 6)
    middle = 8 + 3 * 2  # the frame of step 2
    for frame in (middle - 9, middle + 8):
        changed = given.copy()
        changed[0, frame] = 1
        assert np.array_equal(network.forward(changed)[0, 2], before[0, 2])
    for frame in (middle - 8, middle + 7):
        changed = given.copy()
        changed[0, frame] = 1
        assert not np.array_equal(network.forward(changed)[0, 2], before[0, 2])


def test_steps_do_not_depend_on_how_many_are_asked_for() -> None:
    network = Network(4, SPECS, seed=3)
    network.layers[-1].weights[:] = 0.1
    chance = np.random.default_rng(1)
    given = chance.standard_normal((1, network.frames_for(9), 4)).astype(np.float32)
    whole = network.forward(given)
    part = network.forward(given[:, 3 * 4 :])
    assert np.allclose(whole[:, 4:], part, atol=1e-5)


def test_ignored_labels_count_for_nothing() -> None:
    logits = np.random.default_rng(1).standard_normal((1, 2, 3)).astype(np.float32)
    loss, right, gradient = cross_entropy(logits, np.array([[2, -1]]))
    alone, right_alone, _ = cross_entropy(logits[:, :1], np.array([[2]]))
    assert (loss, right) == pytest.approx((alone, right_alone))
    assert not gradient[0, 1].any()
    assert gradient[0, 0].sum() == pytest.approx(0, abs=1e-6)


def test_dropout_only_in_training() -> None:
    network = _network(dropout=0.5)
    given = np.ones((2, network.frames_for(3), 4), np.float32)
    assert np.array_equal(network.forward(given), network.forward(given))
    first = network.forward(given, training=True)
    assert not np.array_equal(first, network.forward(given, training=True))
