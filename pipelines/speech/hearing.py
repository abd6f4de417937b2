"""One of Vosk's recognisers on one utterance; and which of two to believe."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from engine.errors import SpeechError
from pipelines.audio.resample import RATE_HZ
from pipelines.speech.grammar import UNKNOWN

__all__ = ["Heard", "Hearing", "choose", "is_sure"]

SURE = 0.8
"""Mean confidence from which words that were expected are believed."""
PLAUSIBLE = 0.7
"""The same of words that were not, where those that were did not fit. Both from the sweep in
docs/decisions.md (a choice's phrases are looked for)."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said, without `UNKNOWN` words; `confidence` is the mean of the words (0 to 1), None
    without any; `unknown`: something else was said as well."""

    text: str = ""
    confidence: float | None = None
    unknown: bool = False


def is_sure(expected: Heard) -> bool:
    """Whether one of the expected phrases was said, or nothing at all."""
    if expected.confidence is None:
        return not expected.unknown
    return not expected.unknown and expected.confidence >= SURE


def choose(expected: Heard, anything: Heard) -> Heard:
    """What counts as said where `expected`, heard by a grammar, is not sure: `anything`, heard
    without one, if that is plausible; else nothing was understood, rather than a wrong word."""
    if anything.confidence is None:
        return Heard(unknown=expected.unknown)
    agreed = anything.text == expected.text and not expected.unknown
    if agreed or anything.confidence >= PLAUSIBLE:
        return anything
    return Heard(unknown=True)


class Hearing:
    """Vosk on one utterance after the other. In one thread at a time.

    Vosk's own endpointing may close a part of an utterance; ours decides where that ends, so the
    parts are joined.
    """

    def __init__(self, model: Any, grammar: str | None) -> None:
        """Raises SpeechError."""
        import vosk

        self.grammar = grammar
        self._settled: list[dict[str, Any]] = []
        arguments = (model, RATE_HZ) if grammar is None else (model, RATE_HZ, grammar)
        try:
            self._vosk = vosk.KaldiRecognizer(*arguments)
        except Exception as error:  # the class Vosk raises
            raise SpeechError(
                "vosk made no recogniser; check that the grammar holds words of the model"
            ) from error
        self._vosk.SetWords(True)  # for the confidence; measured: it costs nothing

    def reset(self) -> None:
        """A new utterance."""
        self._vosk.Reset()
        self._settled.clear()

    def feed(self, pcm: bytes) -> None:
        """Decode s16le mono at 16 kHz. Raises what Vosk raises."""
        if self._vosk.AcceptWaveform(pcm):
            self._settled.append(json.loads(self._vosk.Result()))

    def partial(self) -> tuple[str, bool]:
        """What was said so far, and whether something `UNKNOWN` was."""
        texts = [part["text"] for part in self._settled]
        # Without "partial" where a part was closed just now.
        texts.append(json.loads(self._vosk.PartialResult()).get("partial", ""))
        words = [word for text in texts for word in text.split()]
        known = [word for word in words if word != UNKNOWN]
        return " ".join(known), len(known) < len(words)

    def final(self) -> Heard:
        """What was said in all; the utterance is over."""
        parts = [*self._settled, json.loads(self._vosk.FinalResult())]
        words = [word for part in parts for word in part.get("result", ())]
        known = [word for word in words if word["word"] != UNKNOWN]
        confidence = sum(word["conf"] for word in known) / len(known) if known else None
        return Heard(
            " ".join(word["word"] for word in known),
            None if confidence is None else min(1.0, confidence),
            len(known) < len(words),
        )
