from __future__ import annotations

import numpy as np

from pipelines.speech.training import features
from pipelines.speech.training.augment import CLEAN
from pipelines.speech.training.calls import Call
from pipelines.speech.training.examples import (
    PADDING,
    batches,
    cepstra_of,
    examples,
    labels,
)
from pipelines.speech.training.network import Network, Spec

# Classes 0, 3 and 5, from samples on.
CALL = Call(
    np.random.default_rng(1).integers(-3000, 3000, 16_000).astype(np.int16),
    np.array([[0, 0], [3, 5000], [3, 8000], [5, 11_000]], np.int32),
)


def test_a_step_has_the_pdf_at_the_middle_of_its_frame() -> None:
    found = labels(CALL, features.frames(16_000))
    centres = np.arange(len(found)) * 480 + 200
    assert found[0] == 0
    assert (found[1:][centres[1:] < 5000] == 1).all()
    spoken = found[(centres >= 5000) & (centres < 8000)]
    assert spoken.tolist() == [6] + [7] * (len(spoken) - 1)
    assert found[centres >= 8000][0] == 6  # the same class once more begins anew
    assert found[-1] == 11


def test_examples_join_padded_calls() -> None:
    cepstra = cepstra_of([CALL, CALL], CLEAN, np.random.default_rng(1))
    mean = cepstra[0].mean(axis=0)
    data = examples([CALL, CALL], cepstra, mean)
    assert len(data.features) == 3 * len(data.labels)
    assert (data.labels[:PADDING] == -1).all()
    assert data.labels[PADDING] == 0
    assert np.allclose(data.features[0], data.features[3 * PADDING])
    one = len(data.labels) // 2
    assert np.array_equal(data.labels[:one], data.labels[one:])


def test_a_batchs_frames_are_those_of_its_labels() -> None:
    network = Network(features.CEPSTRA, (Spec(4, (-2, -1, 0, 1)), Spec(2, (0, 3), relu=False)))
    cepstra = cepstra_of([CALL] * 4, CLEAN, np.random.default_rng(1))
    data = examples([CALL] * 4, cepstra, cepstra[0].mean(axis=0))
    seen = 0
    for given, wanted in batches(data, network, np.random.default_rng(2), sequences=2, steps=8):
        assert given.shape == (2, network.frames_for(8), features.CEPSTRA)
        assert network.forward(given).shape[:2] == wanted.shape == (2, 8)
        for sequence in range(2):
            middle = given[sequence, network.context[0]]
            at = np.flatnonzero((data.features == middle).all(axis=1))
            assert any(
                np.array_equal(data.labels[i // 3 : i // 3 + 8], wanted[sequence])
                for i in at
                if i % 3 == 0
            )
        seen += wanted.size
    assert seen >= len(data.labels) // 2
