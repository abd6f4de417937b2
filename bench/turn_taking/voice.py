"""The sound of a caller: whole sentences, cut where the caller stops to think.

A hesitant sentence is spoken in one go and then cut between two words, so that what comes before
the pause has the melody of a sentence that goes on.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from pipelines.audio.resample import RATE_HZ, StreamResampler
from pipelines.speech.espeak import EspeakVoice, library
from server.sim.sounds import CONDITIONS, COUGHS, Sound, sound
from server.talk.line import AUDIBLE, Utterance, utterance

if TYPE_CHECKING:
    from server.talk.line import Samples

__all__ = ["parts", "record"]

FADE = 80
"""Samples, 5 ms: a cut that clicks would be heard as a sound of its own."""

_recorded: dict[str, bytes] = {}


def record(name: str, pcm: bytes) -> None:
    """From now on `name` is said with this sound: s16le at 16 kHz."""
    _recorded[name] = pcm


@cache
def parts(text: str, voice: str, line: str) -> tuple[Sound, ...]:
    """`text`, cut at its strokes, as it comes down `line` (of `server.sim.sounds`)."""
    if text in COUGHS:
        return (sound(text, "", line),)
    condition = CONDITIONS[line]
    whole, cuts = _spoken(text, voice, condition.telephone)
    step = RATE_HZ // condition.rate_hz
    threshold = AUDIBLE * float(np.abs(whole.samples.astype(np.int32)).max())
    pieces = []
    for (start, end), words in zip(
        pairwise([0, *cuts, whole.samples.size]), text.split("|"), strict=True
    ):
        samples = _faded(whole.samples[start:end], bool(start), end < whole.samples.size)
        heard = np.flatnonzero(np.abs(samples.astype(np.int32)) > threshold)
        first, last = int(heard[0]) // step, int(heard[-1]) // step
        pieces.append(Sound(words.strip(), voice, samples[::step].astype("<i2"), first, last))
    return tuple(pieces)


@cache
def _spoken(text: str, voice: str, telephone: bool) -> tuple[Utterance, tuple[int, ...]]:
    """The sentence, and the samples at which it is cut."""
    if text in _recorded:
        return utterance(text, _recorded[text], telephone=telephone), ()
    said = [part.strip() for part in text.split("|")]
    sentence = " ".join(said)
    espeak = library()
    pcm, marks = espeak.trace(sentence, EspeakVoice(voice))
    made = StreamResampler(espeak.rate_hz, RATE_HZ).feed(pcm, last=True)
    whole = utterance(sentence, made, telephone=telephone)
    lead = (whole.samples.size - len(made) // 2) * 2 // 3  # of silence; a third follows
    cuts, at = [], 0
    for part in said[:-1]:
        at += len(part) + 1
        begins = next(mark.sample for mark in marks if mark.character >= at)
        cuts.append(lead + begins * RATE_HZ // espeak.rate_hz)
    return whole, tuple(cuts)


def _faded(samples: Samples, begins: bool, ends: bool) -> Samples:
    faded = samples.astype(np.float64)
    ramp = np.linspace(0, 1, FADE)
    if begins:
        faded[:FADE] *= ramp
    if ends:
        faded[-FADE:] *= ramp[::-1]
    return np.rint(faded).astype("<i2")
