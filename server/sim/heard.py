"""The recogniser in recorded form: what Vosk made of each sound, word by word, and when.

A recording is made once by `palabre sim --record` (server/sim/record.py) and replayed in virtual
time. What the engine's gate cuts off is cut off here as well, by the times of the words.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from engine.errors import ConfigurationError
from pipelines.speech.hearing import Heard, choose, is_sure
from pipelines.turns.barge_in import OTHER

__all__ = [
    "FILE",
    "Part",
    "Recording",
    "Recordings",
    "Word",
    "beginning",
    "digest",
    "final",
    "interim",
    "key",
    "load",
]

FILE = Path(__file__).with_name("recorded.json")

INTERIM_LAG_MS = 250.0
"""How long after its end a word is in an interim, where that was not recorded because the gate cut
the sound elsewhere: the median of what was."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word and its place in the sound, in milliseconds from the sound's first sample."""

    text: str
    start_ms: float
    end_ms: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Recording:
    """What the recogniser made of one sound. `interims`: what it had understood by then, in
    milliseconds of sound; `choices`: what it understood where phrases were expected, by their
    digest."""

    words: tuple[Word, ...] = ()
    interims: tuple[tuple[float, str], ...] = ()
    choices: Mapping[str, Heard] = field(default_factory=dict)
    beginnings: tuple[tuple[float, str], ...] = ()
    """What `pipelines.speech.early` made of the sound up to there."""

    def beginning(self, to_ms: float) -> str | None:
        """Of what is heard up to `to_ms`; None if that was not recorded."""
        if not self.beginnings:
            return None
        return min(self.beginnings, key=lambda made: abs(made[0] - to_ms))[1]

    @property
    def ends_ms(self) -> float:
        return self.words[-1].end_ms if self.words else 0.0

    def interim(self, from_ms: float, to_ms: float) -> str:
        """What is understood of the sound between these."""
        if not self.words or from_ms > self.words[0].start_ms:
            return " ".join(word.text for word in self._within(from_ms, to_ms - INTERIM_LAG_MS))
        known = ""
        for at_ms, text in self.interims:
            if at_ms > to_ms:
                break
            known = text
        return known

    def final(self, from_ms: float, to_ms: float) -> list[Word]:
        return self._within(from_ms, to_ms)

    def _within(self, from_ms: float, to_ms: float) -> list[Word]:
        return [w for w in self.words if from_ms <= (w.start_ms + w.end_ms) / 2 <= to_ms]


@dataclass(frozen=True, slots=True)
class Part:
    """Of what was heard: a recording, between two of its milliseconds."""

    recording: Recording
    from_ms: float
    to_ms: float

    @property
    def whole(self) -> bool:
        words = self.recording.words
        return not words or (
            self.from_ms <= words[0].start_ms and self.to_ms >= self.recording.ends_ms
        )


class Recordings:
    """All of them; `about` says how they were made (the model and its checksum)."""

    def __init__(self, about: Mapping[str, Any], sounds: Mapping[str, Recording]) -> None:
        self.about = about
        self._sounds = sounds

    def __contains__(self, key: str) -> bool:
        return key in self._sounds

    def of(self, text: str, voice: str, condition: str) -> Recording:
        """Raises ConfigurationError, which says what to run, for a sound that was not recorded."""
        try:
            return self._sounds[key(text, voice, condition)]
        except KeyError:
            raise ConfigurationError(
                f"the recogniser was not recorded on {key(text, voice, condition)!r}; "
                "run `palabre sim --record`"
            ) from None


def key(text: str, voice: str, condition: str) -> str:
    return f"{voice}|{condition}|{text}"


def digest(phrases: Iterable[str]) -> str:
    """A short name of what is expected."""
    return hashlib.sha256("\n".join(phrases).encode()).hexdigest()[:8]


def interim(parts: Sequence[Part]) -> str:
    """What is understood so far of `parts`, one after the other."""
    texts = (part.recording.interim(part.from_ms, part.to_ms) for part in parts)
    return " ".join(text for text in texts if text)


def final(parts: Sequence[Part], phrases: tuple[str, ...] = ()) -> Heard:
    """What was said in `parts`, where `phrases` were expected.

    A choice between them was recorded for whole sounds only: of cut and joined ones it is what
    would be understood without expectations.
    """
    words = [word for part in parts for word in part.recording.final(part.from_ms, part.to_ms)]
    confidence = sum(word.confidence for word in words) / len(words) if words else None
    anything = Heard(" ".join(word.text for word in words), confidence)
    if phrases and len(parts) == 1 and parts[0].whole:
        expected = parts[0].recording.choices.get(digest(phrases))
        if expected is not None:
            return expected if is_sure(expected) else choose(expected, anything)
    return anything


def beginning(parts: Sequence[Part]) -> str:
    """What the first moments of speech over us sound like: ``unknown`` for what was not recorded,
    which is our own voice, and for the middle of something."""
    heard = [part for part in parts if part.to_ms > 0]
    if not heard:
        return ""
    part = max(heard, key=lambda part: part.to_ms - max(0.0, part.from_ms))
    known = part.recording.beginning(part.to_ms) if part.from_ms <= 0 else None
    return OTHER if known is None else known


@cache
def load(path: Path = FILE) -> Recordings:
    """Raises ConfigurationError, which says what to run."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{path} cannot be read ({error}); run `palabre sim --record`"
        ) from None
    sounds = {
        name: Recording(
            tuple(Word(str(t), float(s), float(e), float(c)) for t, s, e, c in made["words"]),
            tuple((float(at), str(text)) for at, text in made["interims"]),
            {
                phrases: Heard(str(text), confidence, bool(unknown))
                for phrases, (text, confidence, unknown) in made.get("choices", {}).items()
            },
            tuple((float(at), str(text)) for at, text in made.get("beginnings", ())),
        )
        for name, made in data["sounds"].items()
    }
    return Recordings(data["about"], sounds)
