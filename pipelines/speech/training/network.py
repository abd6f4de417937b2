"""A time-delay network in numpy: forward, backward, batch norm.

All layers run once every three frames, the recogniser's output rate: the first splices frames, the
others splice steps, so none computes what the output does not need. Arrays are
[sequences, steps, units]; convolutions are valid, so a layer's output is shorter than its input by
its context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

__all__ = ["EPSILON", "SUBSAMPLING", "Network", "Spec", "cross_entropy"]

Floats = NDArray[np.float32]

SUBSAMPLING = 3
"""Frames of features to one step of output: Vosk's word times assume 30 ms."""

EPSILON = 1e-3
"""Added to variances, as nnet3's batch norm does."""
_MEMORY = 0.98
"""Share of the old in the running mean and variance, for each batch."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A layer: `outputs` units that read the layer before at `offsets` (frames, ascending).

    `relu` adds the rectifier and a batch norm after it. With `skip` the input of the layer
    `skip_from - 1` layers before is added, so many times.
    """

    outputs: int
    offsets: tuple[int, ...]
    relu: bool = True
    skip: float = 0.0
    skip_from: int = 1


@dataclass(slots=True)
class Parameters:
    """A layer's weights [inputs * offsets, outputs], bias, and running statistics."""

    weights: Floats
    bias: Floats
    mean: Floats
    variance: Floats


@dataclass(slots=True)
class _Trace:
    """What backward needs of a layer's forward."""

    spliced: Floats
    normal: Floats | None = None
    deviation: Floats | None = None
    positive: NDArray[np.bool_] | None = None
    mask: Floats | None = None


@dataclass(slots=True)
class Network:
    """The layers of `specs` over `inputs` features."""

    inputs: int
    specs: Sequence[Spec]
    seed: int = 1
    dropout: float = 0.0
    layers: list[Parameters] = field(init=False)
    _traces: list[_Trace] = field(init=False, default_factory=list)
    _chance: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self._chance = np.random.default_rng(self.seed)
        self.layers = []
        width = self.inputs
        for index, spec in enumerate(self.specs):
            fan_in = width * len(spec.offsets)
            last = index == len(self.specs) - 1
            deviation = 0.0 if last else (2.0 if spec.relu else 1.0) / fan_in
            weights = self._chance.standard_normal((fan_in, spec.outputs)) * np.sqrt(deviation)
            self.layers.append(
                Parameters(
                    weights.astype(np.float32),
                    np.zeros(spec.outputs, np.float32),
                    np.zeros(spec.outputs, np.float32),
                    np.ones(spec.outputs, np.float32),
                )
            )
            width = spec.outputs

    @property
    def context(self) -> tuple[int, int]:
        """Frames before and after the frame of a step that its output depends on."""
        left = sum(max(0, -spec.offsets[0]) for spec in self.specs)
        right = sum(max(0, spec.offsets[-1]) for spec in self.specs)
        return left, right

    @property
    def size(self) -> int:
        """Weights and biases."""
        return sum(layer.weights.size + layer.bias.size for layer in self.layers)

    def frames_for(self, steps: int) -> int:
        """Frames of input that `steps` of output read."""
        left, right = self.context
        return left + right + SUBSAMPLING * (steps - 1) + 1

    def forward(self, features: Floats, *, training: bool = False) -> Floats:
        """Logits [sequences, steps, outputs] of features [sequences, frames, inputs]."""
        self._traces = []
        stride = SUBSAMPLING  # of the first layer: it reads frames
        history = [features]
        for spec, layer in zip(self.specs, self.layers, strict=True):
            spliced = _splice(history[-1], spec.offsets, stride)
            count, steps, _ = spliced.shape
            flat = spliced.reshape(count * steps, -1)
            trace = _Trace(flat)
            out = flat @ layer.weights
            out += layer.bias
            if spec.relu:
                out = self._normalised(out, layer, trace, training=training)
                if training and self.dropout:
                    # One mask for all steps of a sequence.
                    kept = self._chance.random((count, 1, spec.outputs)) >= self.dropout
                    trace.mask = (kept / (1 - self.dropout)).astype(np.float32)
                    out = (out.reshape(count, steps, -1) * trace.mask).reshape(out.shape)
            out = out.reshape(count, steps, spec.outputs)
            if spec.skip:
                out = out + np.float32(spec.skip) * self._bypass(history, steps)
            if training:
                self._traces.append(trace)
            history.append(out)
            stride = 1
        return history[-1]

    def _normalised(
        self, out: Floats, layer: Parameters, trace: _Trace, *, training: bool
    ) -> Floats:
        if not training:
            np.maximum(out, 0, out=out)
            out -= layer.mean
            out /= np.sqrt(layer.variance + np.float32(EPSILON))
            return out
        trace.positive = out > 0
        out *= trace.positive
        mean = out.mean(axis=0)
        out -= mean
        variance = np.einsum("ij,ij->j", out, out) / np.float32(len(out))
        layer.mean += np.float32(1 - _MEMORY) * (mean - layer.mean)
        layer.variance += np.float32(1 - _MEMORY) * (variance - layer.variance)
        trace.deviation = np.sqrt(variance + np.float32(EPSILON))
        out /= trace.deviation
        trace.normal = out
        return out

    def _bypass(self, history: list[Floats], steps: int) -> Floats:
        """The part of an earlier output that lies over the newest `steps`."""
        layer = len(history) - 1  # the layer whose output is being made
        spec = self.specs[layer]
        source = history[-spec.skip_from]
        start = self._lead(layer, spec.skip_from)
        return source[:, start : start + steps]

    def _lead(self, layer: int, skip_from: int) -> int:
        """Steps by which the output of `layer` begins later than the input it is bypassed by."""
        spanned = self.specs[layer - skip_from + 1 : layer + 1]
        return sum(max(0, -spec.offsets[0]) for spec in spanned) // SUBSAMPLING

    def backward(self, gradient: Floats) -> list[tuple[Floats, Floats]]:
        """Gradients of weights and bias, layer by layer, from that of the logits."""
        grads: list[tuple[Floats, Floats]] = []
        pending: dict[int, list[tuple[int, Floats]]] = {}  # bypassed gradients by layer input
        flow = gradient
        for index in range(len(self.specs) - 1, -1, -1):
            spec, layer, trace = self.specs[index], self.layers[index], self._traces[index]
            count, steps, _ = flow.shape
            if spec.skip:
                source = index - spec.skip_from + 1
                lead = self._lead(index, spec.skip_from)
                pending.setdefault(source, []).append((lead, np.float32(spec.skip) * flow))
            if trace.mask is not None:
                flow = flow * trace.mask
            flat = np.ascontiguousarray(flow).reshape(count * steps, -1)
            if spec.relu:
                flat = _through_norm(flat, trace)
            grads.append((trace.spliced.T @ flat, flat.sum(axis=0)))
            if index == 0:
                break
            spread = (flat @ layer.weights.T).reshape(count, steps, len(spec.offsets), -1)
            flow = _unsplice(spread, spec.offsets)
            for lead, extra in pending.pop(index, []):
                flow[:, lead : lead + extra.shape[1]] += extra
        self._traces = []
        return grads[::-1]


def _through_norm(flat: Floats, trace: _Trace) -> Floats:
    assert trace.normal is not None
    assert trace.deviation is not None
    assert trace.positive is not None
    along = np.einsum("ij,ij->j", flat, trace.normal) / np.float32(len(flat))
    flat = flat - flat.mean(axis=0)
    flat -= trace.normal * along
    flat /= trace.deviation
    flat *= trace.positive
    return flat


def _shifts(offsets: Sequence[int], stride: int) -> tuple[list[int], int]:
    """Where each offset begins in the input, and by how much the output is shorter."""
    first, last = min(0, offsets[0]), max(0, offsets[-1])
    unit = 1 if stride == SUBSAMPLING else SUBSAMPLING
    assert all(offset % unit == 0 for offset in offsets)
    return [(offset - first) // unit for offset in offsets], (last - first) // unit


def _splice(x: Floats, offsets: Sequence[int], stride: int) -> Floats:
    starts, lost = _shifts(offsets, stride)
    span = x.shape[1] - lost
    parts = [x[:, start : start + span : stride] for start in starts]
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)


def _unsplice(spread: Floats, offsets: Sequence[int]) -> Floats:
    starts, lost = _shifts(offsets, 1)
    count, steps, _, width = spread.shape
    flow = np.zeros((count, steps + lost, width), np.float32)
    for part, start in enumerate(starts):
        flow[:, start : start + steps] += spread[:, :, part]
    return flow


def cross_entropy(logits: Floats, labels: NDArray[np.intp]) -> tuple[float, float, Floats]:
    """Mean loss in nats, share of right frames, gradient; labels [sequences, steps], -1 ignored."""
    shifted = logits - logits.max(axis=2, keepdims=True)
    odds = np.exp(shifted)
    total = odds.sum(axis=2, keepdims=True)
    counted = labels >= 0
    index = np.maximum(labels, 0)[..., None]
    count = max(1, int(counted.sum()))
    logs = np.take_along_axis(shifted, index, axis=2) - np.log(total)
    loss = -float((logs[..., 0] * counted).sum()) / count
    right = float(((logits.argmax(axis=2) == labels) & counted).sum()) / count
    gradient = odds / total
    picked = np.take_along_axis(gradient, index, axis=2) - 1
    np.put_along_axis(gradient, index, picked, axis=2)
    gradient *= (counted / np.float32(count))[..., None].astype(np.float32)
    return loss, right, gradient
