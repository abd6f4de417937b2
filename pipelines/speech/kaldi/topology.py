"""Phones, pdfs and transitions by number: what network, lexicon and word boundaries agree on.

A class of phones (see `phones.PHONES`) is four phones by its place in a word: begin, end, inside,
alone. They share their sounds, so their pdfs; Vosk tells words' limits by them. Silence, the
first class, is one phone. Each phone has one state with two pdfs, for its first frame (forward) and
every further one (self-loop), as in Kaldi's chain models.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from enum import IntEnum

import numpy as np

from pipelines.speech.kaldi.binary import integer, integer_vector, real, token, vector

__all__ = [
    "SILENCE",
    "Place",
    "first_frame",
    "further_frame",
    "phone_count",
    "phone_id",
    "phone_names",
    "transition_model",
    "word_boundaries",
    "word_phones",
]

SILENCE = 1
"""The phone of silence; 0 is no phone."""


class Place(IntEnum):
    """Where in its word a phone stands; the order of the four phones of a class."""

    BEGIN = 0
    END = 1
    INTERNAL = 2
    SINGLETON = 3


def phone_count(classes: int) -> int:
    return 1 + 4 * (classes - 1)


def phone_id(phone_class: int, place: Place) -> int:
    """The phone of `phone_class` (its index; 0 is silence) at `place`."""
    return SILENCE if phone_class == 0 else 2 + 4 * (phone_class - 1) + place


def word_phones(classes: Sequence[int]) -> list[int]:
    """The phones of a word, from the classes of its sounds."""
    if len(classes) == 1:
        return [phone_id(classes[0], Place.SINGLETON)]
    places = [Place.BEGIN, *[Place.INTERNAL] * (len(classes) - 2), Place.END]
    return [phone_id(*pair) for pair in zip(classes, places, strict=True)]


def first_frame(phone: int) -> int:
    """The transition id that a path takes at the first frame of `phone`."""
    return 2 * phone


def further_frame(phone: int) -> int:
    """The transition id of the self-loop of `phone`."""
    return 2 * phone - 1


def phone_names(classes: Sequence[str]) -> Iterator[str]:
    """The phones' names by id, from 0: ``<eps>``, silence, then ``a_B``, ``a_E`` and so on."""
    yield "<eps>"
    yield classes[0]
    for name in classes[1:]:
        for place in Place:
            yield f"{name}_{place.name[0]}"


def word_boundaries(classes: int) -> Iterator[str]:
    """The lines of ``graph/phones/word_boundary.int``."""
    yield f"{SILENCE} nonword"
    for phone in range(2, phone_count(classes) + 1):
        yield f"{phone} {Place((phone - 2) % 4).name.lower()}"


def transition_model(classes: int) -> bytes:
    """Kaldi's TransitionModel (hmm/transition-model.cc, hmm/hmm-topology.cc), binary."""
    phones = range(1, phone_count(classes) + 1)
    parts = [token("<TransitionModel>"), token("<Topology>"), integer_vector(phones)]
    # Which topology each phone has: the only one; number 0 is no phone.
    parts.append(integer_vector([-1, *[0] * len(phones)]))
    # -1 says that a state has two pdfs. One topology of two states: 0 emits, 1 is the end.
    parts += [integer(-1), integer(1), integer(2)]
    emitting = [integer(0), integer(1), integer(2)]
    emitting += [integer(0), real(0.5), integer(1), real(0.5)]
    end = [integer(-1), integer(-1), integer(0)]
    parts += [*emitting, *end, token("</Topology>")]
    parts += [token("<Tuples>"), integer(len(phones))]
    for phone in phones:
        pdf = 2 * ((phone + 2) // 4)
        parts += [integer(phone), integer(0), integer(pdf), integer(pdf + 1)]
    parts.append(token("</Tuples>"))
    log_probs = np.full(2 * len(phones) + 1, math.log(0.5), np.float32)
    log_probs[0] = 0.0
    parts += [token("<LogProbs>"), vector(log_probs), token("</LogProbs>")]
    parts.append(token("</TransitionModel>"))
    return b"".join(parts)
