"""Synthetic calls: a few sentences by one voice with pauses between, and what is said when."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipelines.speech.corpus import sentences, vocabulary
from pipelines.speech.espeak import EspeakVoice, Library
from pipelines.speech.kaldi.phones import PHONES, segments, speakable
from pipelines.speech.training.voices import ACCENTS, FRESH, Voice, fresh

__all__ = ["RATE_HZ", "Call", "Plan", "plan", "synthesise", "texts"]

RATE_HZ = 16_000

Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Plan:
    """One call to synthesise: everything that is drawn by chance is drawn here."""

    voice: EspeakVoice
    speed: float
    """The tape's speed: above 1 all is quicker and higher."""
    sentences: tuple[str, ...]
    pauses_ms: tuple[int, ...]
    """Silence before each sentence and, last, after them."""
    definition: str | None = None
    """The voice file of `FRESH`, where `voice` is that."""
    cut_ms: int | None = None
    """The last sentence stops after so long, wherever it is."""


@dataclass(frozen=True, slots=True)
class Call:
    """16 kHz mono, and its contiguous segments: [class, first sample] from sample 0 on."""

    samples: Samples
    segments: NDArray[np.int32]


_FRESH_SHARE = 0.6
"""Of the calls: with a voice that no other call has."""
_CUT_SHARE = 0.08
"""Of the calls: the recogniser is asked about the beginning of what is being said as well."""

_ONSETS = "p b t d c g f v s z ch j m n gn l r pr tr cr br dr gr fr vr pl cl bl fl gl st sp sc"
_NUCLEI = "a é è i o u ou eu œu an on in en oi ui ie ien au eau ai io ée"
_CODAS = "re le se te ne me que ge che ve be de gne ille"


def texts(language: str, seed: int) -> Iterator[str]:
    """What is said: sentences of the corpus, its words in any order, and words that do not exist.

    The network would otherwise learn which phones follow each other in the corpus; it is the
    graph's task to know that.
    """
    chance = random.Random(f"texts {language} {seed}")
    written = sentences(language, seed)
    words = [word for word in vocabulary(language) if not word.startswith("[")]
    while True:
        kind = chance.random()
        if kind < 0.55:
            yield next(written)
        elif kind < 0.8 or language != "fr":
            yield " ".join(chance.choices(words, k=chance.randint(1, 5)))
        else:
            yield " ".join(_invented(chance) for _ in range(chance.randint(1, 4)))


def _invented(chance: random.Random) -> str:
    count = chance.choice((1, 1, 2, 2, 2, 3))
    onsets, nuclei = _ONSETS.split(), _NUCLEI.split()
    body = "".join(chance.choice(onsets) + chance.choice(nuclei) for _ in range(count))
    return body + (chance.choice(_CODAS.split()) if chance.random() < 0.45 else "")


def plan(voices: list[Voice], language: str, lines: Iterator[str], chance: random.Random) -> Plan:
    """Draw a call."""
    said: list[str] = []
    wanted = chance.randint(1, 60)  # characters, about 15 to a second
    wanted += 60 * (chance.random() < 0.5)
    while sum(map(len, said)) < wanted:
        said.append(next(lines))
    voice = chance.choice(voices)
    name, definition = voice.name, None
    if chance.random() < _FRESH_SHARE:
        name, definition = FRESH, fresh(voice, chance)
    rate_wpm = min(320, max(90, int(chance.gauss(170, 35))))
    pauses = [
        int(chance.choice((chance.uniform(60, 400), chance.uniform(300, 1100))))
        for _ in range(len(said) + 1)
    ]
    return Plan(
        EspeakVoice(f"{chance.choice(ACCENTS[language])}+{name}", rate_wpm, chance.randint(25, 75)),
        min(1.2, max(0.83, chance.gauss(1, 0.07))),
        tuple(said),
        tuple(pauses),
        definition,
        chance.randint(120, 900) if chance.random() < _CUT_SHARE else None,
    )


def synthesise(library: Library, call: Plan, language: str) -> Call:
    """Speak a call. Every phone of more than no length is in the segments."""
    from soxr import resample

    codes = _codes(language)
    pieces: list[Samples] = []
    marks: list[tuple[int, int]] = []
    at = 0

    def put(samples: Samples) -> None:
        nonlocal at
        pieces.append(samples)
        at += len(samples)

    def silence(length_ms: int) -> None:
        marks.append((0, at))
        put(np.zeros(length_ms * RATE_HZ // 1000, np.int16))

    last = len(call.sentences) - 1
    for index, (text, pause_ms) in enumerate(zip(call.sentences, call.pauses_ms, strict=False)):
        silence(pause_ms)
        pcm, phonemes = library.trace(speakable(text), call.voice)
        spoken = np.frombuffer(pcm, np.int16)
        scale = RATE_HZ / (library.rate_hz * call.speed)
        marks += [
            (codes[segment.phone], at + int(segment.start * scale))
            for segment in segments(text, phonemes, len(spoken), language)
        ]
        sound = resample(spoken, library.rate_hz * call.speed, RATE_HZ)
        if index == last and call.cut_ms is not None:
            sound = sound[: call.cut_ms * RATE_HZ // 1000]
            marks = [mark for mark in marks if mark[1] < at + len(sound)]
        put(sound)
    silence(call.pauses_ms[-1])
    return Call(np.concatenate(pieces), np.array(marks, np.int32).reshape(-1, 2))


@cache
def _codes(language: str) -> dict[str, int]:
    return {phone: index for index, phone in enumerate(PHONES[language])}
