"""A trained network as a model's ``am`` and ``conf`` folders, as Vosk reads them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.speech.kaldi.config import write_config, write_mean
from pipelines.speech.kaldi.nnet3 import Layer, write_model
from pipelines.speech.kaldi.phones import PHONES
from pipelines.speech.training.network import EPSILON, Network

__all__ = ["SCALE", "layers", "log_priors", "write_acoustic"]

Floats = NDArray[np.float32]

SCALE = 0.5
"""Of log-likelihoods: neighbouring steps say much the same, and a network is surer than it is right
with voices it has not heard."""

PRIORS = (0.003, 0.03)
"""Within these the pdfs' shares are held before they are divided by, or rare phones take over."""


def log_priors(counts: NDArray[np.int64]) -> Floats:
    """The logarithm of each pdf's share of `counts` steps, held within PRIORS."""
    shares = counts / counts.sum()
    return np.asarray(np.log(np.clip(shares, *PRIORS)), np.float32)


def layers(network: Network, priors: Floats, scale: float = SCALE) -> list[Layer]:
    """The network with its batch norms folded, giving ``scale * (logit - prior)``."""
    made: list[Layer] = []
    last = len(network.specs) - 1
    for index, (spec, own) in enumerate(zip(network.specs, network.layers, strict=True)):
        weights, bias = own.weights.T.copy(), own.bias.copy()
        if index == last:
            weights *= np.float32(scale)
            bias = (bias - priors) * np.float32(scale)
        norm = 1 / np.sqrt(own.variance + np.float32(EPSILON))
        made.append(
            Layer(
                weights,
                bias,
                tuple(spec.offsets),
                spec.relu,
                spec.skip,
                spec.skip_from,
                norm if spec.relu else None,
                -own.mean * norm if spec.relu else None,
            )
        )
    return made


def write_acoustic(
    folder: Path,
    network: Network,
    counts: NDArray[np.int64],
    cepstra: Floats,
    language: str,
    scale: float = SCALE,
) -> None:
    """Write ``am/`` and ``conf/`` of the model in `folder`.

    `counts` are the training's steps by pdf; `cepstra` [frames, CEPSTRA] are features whose mean a
    call begins with, the one that the network was trained with.
    """
    write_model(
        folder / "am" / "final.mdl", PHONES[language], layers(network, log_priors(counts), scale)
    )
    write_mean(folder, cepstra.astype(np.float64))
    write_config(folder)
