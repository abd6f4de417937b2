"""A feed-forward network written as Kaldi's nnet3: time-delay layers with optional bypass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.speech.kaldi.binary import (
    Precision,
    double,
    integer,
    matrix,
    real,
    token,
    vector,
)
from pipelines.speech.kaldi.topology import transition_model

__all__ = ["Layer", "write_model"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Layer:
    """``y(t) = shift + scale * relu(bias + weights @ [x(t + o) for o in offsets]) + skip * z(t)``.

    `weights` has shape [out, in * len(offsets)], `bias` [out]; `offsets` are frames of 10 ms,
    ascending. `scale` and `shift` [out] are a folded batch norm after the ReLU. Where `skip` is not
    0, z is the input of the layer `skip_from - 1` layers before: 1 is this layer's own input, 2
    that of the one before (so a bottleneck of two layers is bypassed as a whole); with `out` equal
    to its width.
    """

    weights: Floats
    bias: Floats
    offsets: tuple[int, ...] = (0,)
    relu: bool = False
    skip: float = 0.0
    skip_from: int = 1
    scale: Floats | None = None
    shift: Floats | None = None

    def __post_init__(self) -> None:
        if self.weights.shape[1] % len(self.offsets):
            raise ValueError("the weights' columns are not a multiple of the offsets")
        if self.bias.shape != self.weights.shape[:1]:
            raise ValueError("a layer has one bias for each output")
        if list(self.offsets) != sorted(set(self.offsets)):
            raise ValueError("offsets are ascending and distinct")
        if (self.scale is None) != (self.shift is None):
            raise ValueError("scale and shift come together")

    @property
    def inputs(self) -> int:
        return int(self.weights.shape[1]) // len(self.offsets)

    @property
    def outputs(self) -> int:
        return int(self.weights.shape[0])


def write_model(
    path: Path,
    phones: Sequence[str],
    layers: Sequence[Layer],
    *,
    precision: Precision = Precision.ONE_BYTE,
) -> None:
    """Write `path` (``am/final.mdl``): the transitions of `phones` (classes, silence first) and the
    network.

    The first layer reads features, the last gives log-likelihoods, two for each class: its first
    frame (forward) and every further one (self-loop), so ``[2 * len(phones)]``.
    """
    if layers[-1].outputs != 2 * len(phones):
        raise ValueError("the network gives two outputs for each class of phones")
    for before, after in pairwise(layers):
        if before.outputs != after.inputs:
            raise ValueError("each layer reads what the one before gives")
    left = sum(-min(0, layer.offsets[0]) for layer in layers)
    right = sum(max(0, layer.offsets[-1]) for layer in layers)
    parts = [b"\0B", transition_model(len(phones)), _network(layers, precision)]
    parts += [token("<LeftContext>"), integer(left), token("<RightContext>"), integer(right)]
    parts += [token("<Priors>"), vector(np.zeros(0, np.float32))]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(parts))


def _network(layers: Sequence[Layer], precision: Precision) -> bytes:
    lines = [f"input-node name=input dim={layers[0].inputs}"]
    components: list[bytes] = []
    outputs = ["input"]  # the node each layer reads, and at the end the last one's output
    for index, layer in enumerate(layers):
        source = _append(outputs[-1], layer.offsets)
        for kind, body in _components(layer, precision):
            name = f"l{index}.{kind}"
            lines.append(f"component-node name={name} component={name} input={source}")
            components.append(token("<ComponentName>") + token(name) + body)
            source = name
        if layer.skip:
            name = f"l{index}.sum"
            bypass = outputs[-layer.skip_from]
            total = f"Sum({source}, Scale({layer.skip:g}, {bypass}))"
            lines.append(f"component-node name={name} component={name} input={total}")
            components.append(token("<ComponentName>") + token(name) + _no_op(layer.outputs))
            source = name
        outputs.append(source)
    lines.append(f"output-node name=output input={outputs[-1]} objective=linear")
    text = "\n".join(["", *lines, "", ""]).encode("ascii")
    head = token("<Nnet3>") + text + token("<NumComponents>") + integer(len(components))
    return head + b"".join(components) + token("</Nnet3>")


def _append(node: str, offsets: Sequence[int]) -> str:
    parts = [f"Offset({node}, {offset})" if offset else node for offset in offsets]
    return parts[0] if len(parts) == 1 else f"Append({', '.join(parts)})"


def _components(layer: Layer, precision: Precision) -> Iterator[tuple[str, bytes]]:
    yield "affine", _affine(layer, precision)
    if layer.relu:
        yield "relu", _relu(layer.outputs)
    if layer.scale is not None and layer.shift is not None:
        yield "scale", _fixed("Scale", "<Scales>", layer.scale)
        yield "shift", _fixed("Bias", "<Bias>", layer.shift)


# Each component as nnet-simple-component.cc reads it. What only training uses has its default.

_RATE = token("<LearningRate>") + real(0.001)


def _affine(layer: Layer, precision: Precision) -> bytes:
    return (
        token("<AffineComponent>")
        + _RATE
        + token("<LinearParams>")
        + matrix(layer.weights, precision)
        + token("<BiasParams>")
        + vector(layer.bias)
        + token("</AffineComponent>")
    )


def _relu(size: int) -> bytes:
    nothing = vector(np.zeros(0, np.float32))
    return (
        token("<RectifiedLinearComponent>")
        + token("<Dim>")
        + integer(size)
        + b"".join(token(name) + nothing for name in ("<ValueAvg>", "<DerivAvg>"))
        + token("<Count>")
        + double(0)
        + token("<OderivRms>")
        + nothing
        + token("<OderivCount>")
        + double(0)
        + token("<NumDimsSelfRepaired>")
        + double(0)
        + token("<NumDimsProcessed>")
        + double(0)
        + token("</RectifiedLinearComponent>")
    )


def _fixed(kind: str, field: str, values: Floats) -> bytes:
    name = f"Fixed{kind}Component>"
    return token("<" + name) + token(field) + vector(values) + token("</" + name)


def _no_op(size: int) -> bytes:
    return (
        token("<NoOpComponent>")
        + token("<Dim>")
        + integer(size)
        + token("<BackpropScale>")
        + real(1.0)
        + token("</NoOpComponent>")
    )
