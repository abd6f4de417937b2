"""What stands beside network and graph: the features' settings, the decoder's, and the mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.speech.kaldi.binary import matrix

__all__ = ["DECODER", "FEATURES", "write_config", "write_mean"]

FEATURES: Mapping[str, str] = {
    "sample-frequency": "16000",
    "use-energy": "false",
    "num-mel-bins": "40",
    "num-ceps": "16",
    "low-freq": "20",
    "high-freq": "7600",
    "dither": "0.0",
    "allow-upsample": "true",  # 8 kHz input
}
"""MFCC, in Kaldi's names; what is not here has Kaldi's default. Training has the same."""

DECODER: Mapping[str, str] = {
    # By voices that no training or test has, a beam of 10 (and 2000) has 1.2 times as many words of
    # sentences wrong at a tenth less CPU, one of 14 (and 4000) as many at a third more.
    "min-active": "50",
    "max-active": "3000",
    "beam": "12.0",
    "lattice-beam": "4.0",
    "phone-determinize": "false",
    "acoustic-scale": "1.0",
    "frame-subsampling-factor": "3",
    "frames-per-chunk": "6",  # 60 ms: a longer chunk decodes in bursts, and finals wait for it
    "endpoint.silence-phones": "1",
    "endpoint.rule2.min-trailing-silence": "0.5",
    "endpoint.rule3.min-trailing-silence": "0.75",
    "endpoint.rule4.min-trailing-silence": "1.0",
}


def write_config(folder: Path) -> None:
    """Write ``conf/mfcc.conf`` and ``conf/model.conf`` of the model in `folder`."""
    (folder / "conf").mkdir(parents=True, exist_ok=True)
    for name, options in (("mfcc", FEATURES), ("model", DECODER)):
        text = "".join(f"--{option}={value}\n" for option, value in options.items())
        (folder / "conf" / f"{name}.conf").write_text(text, encoding="ascii")


def write_mean(folder: Path, features: NDArray[np.float64]) -> None:
    """Write ``am/global_cmvn.stats`` of `features` [frames, size]: the mean that a call's first
    seconds are normalised with (Kaldi's OnlineCmvn)."""
    frames, size = features.shape
    stats = np.zeros((2, size + 1))
    stats[0, :size] = features.sum(0)
    stats[1, :size] = np.square(features, dtype=np.float64).sum(0)
    stats[0, size] = frames
    path = folder / "am" / "global_cmvn.stats"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\0B" + matrix(stats))
