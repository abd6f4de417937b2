from __future__ import annotations

import numpy as np

from pipelines.speech.espeak import EspeakVoice, library
from pipelines.speech.kaldi.phones import PHONES
from pipelines.speech.training import features
from pipelines.speech.training.calls import RATE_HZ, Call, Plan, synthesise
from pipelines.speech.training.formants import respoken


def _call() -> Call:
    return synthesise(library(), Plan(EspeakVoice("fr"), 1.0, ("assez aussi",), (200, 200)), "fr")


def test_the_same_phones_in_order() -> None:
    call = _call()
    said = respoken(call, np.random.default_rng(1))
    assert said.segments[:, 0].tolist() == call.segments[:, 0].tolist()
    assert said.segments[0, 1] == 0
    assert (np.diff(said.segments[:, 1]) > 0).all()
    assert 0 < len(said.samples) - said.segments[-1, 1] < RATE_HZ


def test_speakers_differ_and_a_seed_is_a_speaker() -> None:
    call = _call()
    first = respoken(call, np.random.default_rng(1))
    assert np.array_equal(first.samples, respoken(call, np.random.default_rng(1)).samples)
    assert len(respoken(call, np.random.default_rng(2)).samples) != len(first.samples)


def test_sounds_are_where_phonetics_has_them() -> None:
    """Over many speakers: /s/ above 4 kHz, /i/ with its second formant higher than /a/'s, silence
    silent."""
    call = _call()
    high: dict[str, list[float]] = {"s": [], "a": [], "i": [], "SIL": []}
    middle: dict[str, list[float]] = {"a": [], "i": []}
    for seed in range(8):
        said = respoken(call, np.random.default_rng(seed))
        powers = features.power(features.spectra(said.samples.astype(np.float32)))
        ends = np.append(said.segments[1:, 1], len(said.samples))
        for (kind, start), end in zip(said.segments, ends, strict=True):
            phone = PHONES["fr"][kind]
            frame = powers[min((start + end) // 2 // features.SHIFT, len(powers) - 1)]
            if phone in high:
                high[phone].append(
                    float(np.log(frame[128:].sum() / (frame[:128].sum() + 1) + 1e-9))
                )
            if phone in middle:
                band = frame[45:90].sum() / (frame[20:45].sum() + 1)  # 1.4 to 2.8 over 0.6 to 1.4
                middle[phone].append(float(np.log(band)))
    assert np.median(high["s"]) > np.median(high["a"]) + 1
    assert np.median(middle["i"]) > np.median(middle["a"]) + 1


def test_silence_is_silent() -> None:
    silent = Call(np.zeros(8000, np.int16), np.array([[0, 0]], np.int32))
    assert not respoken(silent, np.random.default_rng(1)).samples.any()
