from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.speech.kaldi.binary import Precision
from pipelines.speech.kaldi.build import build_graph
from pipelines.speech.kaldi.nnet3 import Layer, write_model
from tests.pipelines.speech.kaldi.tones import heard, network, write_acoustic

Floats = NDArray[np.float32]


def zeros(*shape: int) -> Floats:
    return np.zeros(shape, np.float32)


def plain(outputs: int, inputs: int, offsets: tuple[int, ...] = (0,)) -> Layer:
    return Layer(zeros(outputs, inputs * len(offsets)), zeros(outputs), offsets)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: Layer(zeros(2, 5), zeros(2), (0, 1)), "multiple of the offsets"),
        (lambda: Layer(zeros(2, 4), zeros(4)), "one bias for each output"),
        (lambda: Layer(zeros(2, 4), zeros(2), (1, 0)), "ascending"),
        (lambda: Layer(zeros(2, 4), zeros(2), scale=zeros(2)), "come together"),
    ],
)
def test_a_layer_that_makes_no_sense(layer: object, message: str) -> None:
    assert callable(layer)
    with pytest.raises(ValueError, match=message):
        layer()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([plain(3, 2)], "two outputs for each class"),
        ([plain(3, 2), plain(4, 2)], "what the one before gives"),
    ],
)
def test_layers_that_do_not_fit(tmp_path: Path, layers: Sequence[Layer], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write_model(tmp_path / "final.mdl", ["SIL", "a"], layers)


def test_contexts_of_layers_add_up(tmp_path: Path) -> None:
    path = tmp_path / "am" / "final.mdl"
    write_model(path, ["SIL", "a"], [plain(2, 2, (-2, 0, 1)), plain(4, 2, (-3, 3))])
    written = path.read_bytes()
    assert b"<LeftContext> \x04\x05\0\0\0" in written
    assert b"<RightContext> \x04\x04\0\0\0" in written
    assert b"input=Append(Offset(input, -2), input, Offset(input, 1))" in written


def same_in_many_layers() -> list[Layer]:
    """The network of tones, made of everything that a network can have."""
    (last, _) = network()
    size = last.inputs
    one, none = np.eye(size, dtype=np.float32), zeros(size, size)
    return [
        # x, as relu(x) and relu(-x), the second negated again by its scale; neighbours count for 0
        Layer(
            np.concatenate([np.hstack([none, one, none]), np.hstack([none, -one, none])]),
            zeros(2 * size),
            (-1, 0, 1),
            relu=True,
            scale=np.repeat(np.array([1, -1], np.float32), size),
            shift=np.ones(2 * size, np.float32),
        ),
        Layer(np.hstack([one, one]), np.full(size, -2, np.float32)),
        # a bottleneck of nothing, bypassed as a whole: x / 2
        Layer(zeros(3, 2 * size), zeros(3), (-3, 0)),
        Layer(zeros(size, 6), zeros(size), (0, 3), relu=True, skip=0.5, skip_from=2),
        # and past this layer alone: x / 2 + x / 2
        Layer(one, zeros(size), skip=1.0),
        last,
    ]


@pytest.mark.integration
@pytest.mark.parametrize("precision", Precision)
@pytest.mark.parametrize("layers", [None, same_in_many_layers()], ids=["one", "many"])
def test_vosk_computes_what_was_written(
    tmp_path: Path, layers: Sequence[Layer] | None, precision: Precision
) -> None:
    write_acoustic(tmp_path, layers, precision)
    build_graph(tmp_path / "graph", "fr", ["oui je veux bien", "non merci"])
    assert heard(tmp_path, "oui je veux bien") == "oui je veux bien"
    assert heard(tmp_path, "non merci") == "non merci"
