"""Scenes are what they say they are; and what the detector knows was not taken from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import cast

import numpy as np
import pytest

from bench.accuracy.speakers import UNSEEN, Speech, Synthesiser
from bench.amd.line import SNRS_DB, arrived, speech_of
from bench.amd.scenes import END_S, KINDS, LANGUAGES, Scene, scenes, texts
from telephony.amd import Kind
from telephony.amd.words import phrases, tokens


class Hum:
    """Says every text as a hum, 50 ms a character."""

    def __init__(self) -> None:
        self.groups: Counter[str] = Counter()

    def say(self, group: str, texts: Sequence[str]) -> list[Speech]:
        self.groups[group] += len(texts)
        return [Speech(text, f"{group} 1", _hum(text)) for text in texts]


def _hum(text: str) -> bytes:
    time = np.arange(800 * len(text)) / 16000
    return (3000 * np.sin(2 * np.pi * 220 * time)).astype("<i2").tobytes()


def made(language: str = "fr", count: int = 10, seed: int = 1) -> tuple[list[Scene], Hum]:
    hum = Hum()
    groups = [UNSEEN, "pico", "mbrola fr1"]
    return list(scenes(language, count, seed, cast("Synthesiser", hum), groups)), hum


def test_there_are_so_many_of_each_kind_and_half_is_said_by_other_synthesisers() -> None:
    found, hum = made()
    assert Counter(scene.kind for scene in found) == dict.fromkeys(KINDS, 10)
    assert hum.groups.keys() == {UNSEEN, "pico", "mbrola fr1"}
    assert 0.3 < hum.groups[UNSEEN] / hum.groups.total() < 0.7


def test_they_are_the_same_for_the_same_seed() -> None:
    for one, same in zip(made()[0], made()[0], strict=True):
        assert one.name == same.name
        assert np.array_equal(one.sound, same.sound)
    others = made(seed=2)[0]
    assert any(
        one.sound.size != other.sound.size for one, other in zip(made()[0], others, strict=True)
    )


def test_each_is_what_it_says() -> None:
    for scene in made(count=20)[0]:
        begun = scene.answered_s or 0.0
        assert (scene.answered_s is None) == (scene.variety == "early")
        assert scene.sound.size / 16000 - begun >= END_S - 0.001
        assert np.abs(scene.sound).max() < 1.0
        match scene.kind:
            case Kind.VOICEMAIL:
                assert (scene.beep_until is None) == (scene.variety == "full")
                assert len(scene.said) == 1
            case Kind.HUMAN:
                assert 1 <= len(scene.said) <= 2
                assert scene.beep_until is None
            case Kind.FAX | Kind.SILENCE:
                assert not scene.said


def test_a_television_goes_on_behind_who_speaks() -> None:
    scene = next(scene for scene in made()[0] if scene.variety == "television")
    (said,) = scene.said
    pause = scene.sound[round((said.until + 0.5) * 16000) :][:16000]
    loud = scene.sound[round(said.at * 16000) : round(said.until * 16000)]
    assert 10 < 10 * np.log10(np.mean(loud**2) / np.mean(pause**2)) < 30


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_tables_of_the_detector_are_not_made_of_the_benchs_texts(language: str) -> None:
    """No text is a phrase but single words and what everybody says; most sentences are new."""
    known = {" ".join(phrase.words) for phrase in phrases(language)}
    table = texts(language)
    for name in ("voicemail", "network", "music"):
        for variety in table[name].values():
            assert not known & {" ".join(tokens(text)) for text in variety}
    assert all(phrase.count(" ") < 6 for phrase in known)


def test_lines_come_in_turn_and_leave_the_telephones_band() -> None:
    found, _ = made(count=1)
    noise = np.random.default_rng(1).normal(0, 1, 16000)
    lines = []
    for index, scene in enumerate(found):
        line, pcm = arrived(scene, index, 1, noise)
        lines.append(line.snr_db)
        assert len(pcm) == pytest.approx(2 * scene.sound.size, rel=0.01)
    assert lines[: len(SNRS_DB)] == list(SNRS_DB)
    assert arrived(found[0], 0, 1, noise) == arrived(found[0], 0, 1, noise)
    assert len(speech_of(found)) == sum(len(scene.said) for scene in found)
