from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipelines.speech.training import features
from pipelines.speech.training.augment import CLEAN, Recipe, augmented, telephone


def _speech() -> np.ndarray[tuple[int], np.dtype[np.int16]]:
    chance = np.random.default_rng(1)
    time = np.arange(16_000) / 16_000
    loud = np.abs(np.sin(2 * np.pi * 3 * time))
    return (3000 * loud * chance.standard_normal(16_000)).astype(np.int16)


@pytest.mark.parametrize(
    "recipe",
    [
        CLEAN,
        Recipe(),
        replace(CLEAN, noise=1),
        replace(CLEAN, noise=1, babble=1),
        replace(CLEAN, reverb=1),
        replace(CLEAN, telephone=1),
        replace(CLEAN, telephone=1, loss=1),
        replace(CLEAN, tract=0.2),
        replace(CLEAN, equaliser_db=6),
        replace(CLEAN, masks=3),
    ],
)
def test_every_kind_keeps_the_frames_and_repeats_with_its_seed(recipe: Recipe) -> None:
    speech = _speech()
    first = augmented(speech, recipe, np.random.default_rng(5), [speech])
    again = augmented(speech, recipe, np.random.default_rng(5), [speech])
    assert first.shape == (features.frames(len(speech)), features.MEL_BINS)
    assert first.dtype == np.float32
    assert np.isfinite(first).all()
    assert np.array_equal(first, again)


def test_clean_changes_no_more_than_the_level() -> None:
    speech = _speech()
    heard = augmented(speech, CLEAN, np.random.default_rng(5))
    said = features.log_mel(
        features.power(features.spectra(speech.astype(np.float32))), features.mel_filters()
    )
    loud = said[:, :] > 8
    assert np.std((heard - said)[loud]) < 0.05


def test_a_telephone_has_no_treble_and_mu_laws_noise() -> None:
    speech = _speech().astype(np.float32)
    heard = telephone(speech, np.random.default_rng(1))
    assert len(heard) == len(speech)
    power = np.abs(np.fft.rfft(heard)) ** 2
    assert power[4200:].sum() < 1e-3 * power[:3500].sum()


def test_lost_packets_are_silence() -> None:
    speech = np.tile(_speech(), 20)
    whole, lossy = (
        augmented(speech, replace(CLEAN, telephone=1, loss=loss), np.random.default_rng(7))
        for loss in (0, 1)
    )
    quieter = (whole - lossy).mean(axis=1) > 2
    assert 0 < quieter.mean() < 0.2
