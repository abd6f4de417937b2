"""The line of each scene: telephone band, µ-law, noise, lost packets, drawn from the seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.accuracy.conditions import Condition, through
from bench.amd.scenes import Scene
from pipelines.audio.resample import RATE_HZ

__all__ = ["SNRS_DB", "Line", "arrived", "speech_of"]

SNRS_DB = (40.0, 30.0, 20.0, 15.0)
"""Speech at its nominal level over noise with the spectrum of speech: a quiet line, a usual one, a
car, a street."""
SPEAKERS = 30
LOSSES = (0.0, 0.0, 0.0, 0.01)


@dataclass(frozen=True, slots=True)
class Line:
    """Of one scene."""

    snr_db: float
    loss: float


def arrived(scene: Scene, index: int, seed: int, noise: NDArray[np.float64]) -> tuple[Line, bytes]:
    """What arrives of the scene, s16le mono at 16 kHz as the engine makes it of the call's µ-law;
    the lines come in turn."""
    chance = np.random.default_rng([seed, index, *scene.name.encode()])
    line = Line(SNRS_DB[index % len(SNRS_DB)], LOSSES[int(chance.integers(len(LOSSES)))])
    samples = np.clip(np.rint(scene.sound * 32768), -32768, 32767).astype(np.int16)
    condition = Condition("drawn", snr_db=line.snr_db, mulaw=True, band=True, loss=line.loss)
    return line, through(samples, condition, noise, chance)


def speech_of(found: Sequence[Scene]) -> list[NDArray[np.int16]]:
    """What the noise has its spectrum from: all that is said in some scenes, and nothing else."""
    return [
        (scene.sound[round(said.at * RATE_HZ) : round(said.until * RATE_HZ)] * 32768).astype("<i2")
        for scene in found
        for said in scene.said
    ][:SPEAKERS]
