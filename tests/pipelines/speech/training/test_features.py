from __future__ import annotations

import kaldi_native_fbank
import numpy as np

from pipelines.speech.kaldi.config import FEATURES
from pipelines.speech.training import features


def _sound(samples: int) -> features.Floats:
    chance = np.random.default_rng(1)
    return np.round(chance.normal(0, 1000, samples)).astype(np.float32)


def test_mfcc_is_kaldis() -> None:
    options = kaldi_native_fbank.MfccOptions()
    options.frame_opts.samp_freq = float(FEATURES["sample-frequency"])
    options.frame_opts.dither = float(FEATURES["dither"])
    options.mel_opts.num_bins = int(FEATURES["num-mel-bins"])
    options.mel_opts.low_freq = float(FEATURES["low-freq"])
    options.mel_opts.high_freq = float(FEATURES["high-freq"])
    options.num_ceps = int(FEATURES["num-ceps"])
    options.use_energy = FEATURES["use-energy"] == "true"
    sound = _sound(16_000)
    reference = kaldi_native_fbank.OnlineMfcc(options)
    reference.accept_waveform(16_000, sound)
    reference.input_finished()
    expected = np.stack([reference.get_frame(i) for i in range(reference.num_frames_ready)])
    assert np.allclose(features.mfcc(sound), expected, atol=2e-3)


def test_frames_are_whole_windows() -> None:
    for samples, frames in ((0, 0), (399, 0), (400, 1), (559, 1), (560, 2)):
        assert len(features.mfcc(_sound(samples))) == features.frames(samples) == frames


def test_a_longer_vocal_tract_hears_lower() -> None:
    flat = features.mel_filters()
    warped = features.mel_filters(1.2)
    centre = np.arange(features.BINS) @ flat / flat.sum(axis=0)
    moved = np.arange(features.BINS) @ warped / warped.sum(axis=0)
    assert np.allclose(moved[5:30] / centre[5:30], 1.2, atol=0.05)
    assert (warped.sum(axis=0) > 0).all()


def test_normalisation_is_that_of_kaldis_online_cmvn() -> None:
    chance = np.random.default_rng(2)
    given = chance.normal(3, 5, (900, 4)).astype(np.float32)
    mean = np.array([1, 2, 3, 4], np.float32)
    normal = features.cmvn(given, mean)
    for frame in (0, 10, 399, 450, 599, 600, 899):
        window = given[max(0, frame - 599) : frame + 1].astype(np.float64)
        borrowed = min(600 - len(window), 200)
        expected = (window.sum(axis=0) + borrowed * mean) / (len(window) + borrowed)
        assert np.allclose(normal[frame], given[frame] - expected, atol=1e-4)
