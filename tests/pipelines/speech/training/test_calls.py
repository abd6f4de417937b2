from __future__ import annotations

import random
from dataclasses import replace
from itertools import islice

import numpy as np

from pipelines.speech.espeak import EspeakVoice, library
from pipelines.speech.kaldi.phones import PHONES, transcribe
from pipelines.speech.training.calls import RATE_HZ, Plan, plan, synthesise, texts
from pipelines.speech.training.voices import FRESH, voices

CALL = Plan(EspeakVoice("fr", 170), 1.0, ("oui bonjour", "les amis"), (300, 200, 250))


def test_a_call_is_labelled_from_its_first_sample_on() -> None:
    call = synthesise(library(), CALL, "fr")
    starts = call.segments[:, 1]
    assert starts[0] == 0
    assert (np.diff(starts) >= 0).all()
    assert starts[-1] < len(call.samples)
    said = [PHONES["fr"][index] for index in call.segments[:, 0] if index]
    words = [word for text in CALL.sentences for word in transcribe(text, "fr")]
    assert said == [phone for word in words for phone in word]


def test_labels_are_aligned_with_the_sound() -> None:
    call = synthesise(library(), CALL, "fr")
    ends = np.append(call.segments[1:, 1], len(call.samples))
    loud = {"speech": [0.0], "silence": [0.0]}
    for (kind, start), end in zip(call.segments, ends, strict=True):
        if end - start > 0.03 * RATE_HZ:
            piece = call.samples[start:end].astype(float)
            loud["speech" if kind else "silence"].append(float(np.sqrt(np.mean(piece**2))))
    assert max(loud["silence"]) < 0.05 * max(loud["speech"])
    assert np.median(loud["speech"][1:]) > 500


def test_a_faster_tape_is_shorter_and_still_aligned() -> None:
    fast = synthesise(library(), Plan(CALL.voice, 1.2, CALL.sentences, CALL.pauses_ms), "fr")
    call = synthesise(library(), CALL, "fr")
    pauses = sum(CALL.pauses_ms) * RATE_HZ // 1000
    ratio = (len(call.samples) - pauses) / (len(fast.samples) - pauses)
    assert abs(ratio - 1.2) < 0.01
    assert fast.segments[:, 0].tolist() == call.segments[:, 0].tolist()


def test_a_call_may_stop_in_the_middle_of_a_word() -> None:
    call = synthesise(library(), CALL, "fr")
    cut = synthesise(library(), replace(CALL, cut_ms=150), "fr")
    _, first, last = CALL.pauses_ms
    kinds = cut.segments[:, 0].tolist()
    silent = len(cut.samples) - last * RATE_HZ // 1000
    assert cut.segments[-1].tolist() == [0, silent]
    assert kinds[:-1] == call.segments[: len(kinds) - 1, 0].tolist()
    (begins,) = (
        end
        for (kind, start), end in zip(cut.segments[:-1], cut.segments[1:, 1], strict=True)
        if kind == 0 and end - start > first * RATE_HZ // 1000 - 1 and start > 0
    )
    assert begins < silent <= begins + 0.15 * RATE_HZ + 1
    # espeak-ng does not say the same line alike twice, to the sample.
    shifted = cut.segments[:-1, 1] - call.segments[: len(kinds) - 1, 1]
    assert np.abs(shifted).max() <= RATE_HZ // 100
    assert cut.samples[begins:silent].any()
    assert not cut.samples[silent:].any()


def test_the_same_seed_draws_the_same_calls() -> None:
    def draw(seed: int) -> list[Plan]:
        chance = random.Random(seed)
        lines = texts("fr", seed)
        return [plan(list(voices()), "fr", lines, chance) for _ in range(5)]

    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_many_calls_have_a_voice_that_no_other_has() -> None:
    chance, lines = random.Random(1), texts("fr", 1)
    drawn = [plan(list(voices()), "fr", lines, chance) for _ in range(200)]
    own = [one.definition for one in drawn if one.definition is not None]
    assert 80 < len(own) < 160
    assert len(set(own)) > 0.95 * len(own)  # some stock voices have next to nothing to move
    assert all((FRESH in one.voice.name) is (one.definition is not None) for one in drawn)
    assert 0 < sum(one.cut_ms is not None for one in drawn) < 40


def test_texts_are_more_than_the_corpus() -> None:
    lines = list(islice(texts("fr", 1), 300))
    assert len(set(lines)) > 150
    for line in lines[:60]:
        assert all(transcribe(line, "fr")), line
