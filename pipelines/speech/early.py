"""The beginning of what is said over us, recognised by itself: is it a backchannel?

An interim has a word a quarter of a second after it ends, too late to go on unnoticed. A fifth of a
second of sound, closed as if it were all, is enough to tell "d'accord" from "attendez" where few
things are expected: backchannels, words that stop us, and what people begin to speak with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress

from engine.errors import SpeechError
from pipelines.audio.resample import RATE_HZ
from pipelines.speech.hearing import Heard
from pipelines.speech.vosk import VoskModel
from pipelines.turns.barge_in import CONFUSED, OTHER

__all__ = ["CLOSING", "OPENERS", "EarlyEar", "verdict"]

# fmt: off
OPENERS: Mapping[str, tuple[str, ...]] = {
    "fr": (
        "je", "j'ai", "c'est", "mais", "est-ce que", "qui", "comment", "quoi", "allô",
        "excusez-moi", "une", "il", "vous", "on", "ça", "et", "pas", "quand", "si", "par",
        "parce que", "attends",
    ),
    "en": (
        "i", "i'm", "it's", "but", "what", "who", "how", "why", "hello", "excuse me", "the",
        "you", "we", "can", "and", "not", "when", "if",
    ),
}
# fmt: on
"""By language: what people begin to speak with. Without them a backchannel is heard in all; of
"attendez" no more than "attends" is heard by then, which without it was "ah bon"."""

CLOSING = bytes(RATE_HZ // 5 * 2)
"""The recogniser looks ahead: silence after the sound lets it finish."""
SURE = 0.6
"""Confidence below which a fifth of a second of sound says nothing: a backchannel is itself with
0.6 and more."""
SURE_OF_CONFUSED = 0.85
"""The same of `CONFUSED`: on bad lines "attendez" and "stop" begin like these with up to 0.84, and
"d'accord" itself is mostly surer."""
DUE_S = 0.03
"""From the question to the verdict; the decoding itself takes 20 ms."""


class EarlyEar:
    """Listens for `backchannels`, `stop_words` and openers of `language` with `model`, which must
    have been loaded."""

    def __init__(
        self,
        model: VoskModel,
        backchannels: Iterable[str],
        stop_words: Iterable[str],
        language: str,
    ) -> None:
        self._model = model
        self._phrases = (*backchannels, *stop_words, *OPENERS.get(language, ()))

    def __call__(self, pcm: bytes, tell: Callable[[str], None]) -> None:
        """Recognise `pcm` (s16le mono at 16 kHz) in the decoder's threads, and tell the words on
        the loop; of what could not be recognised nothing is told."""
        _Glimpse(self._model, self._phrases, pcm, tell)


def verdict(heard: Heard) -> str:
    """The words, and `OTHER` where something else was said or they are not sure."""
    wanted = SURE_OF_CONFUSED if heard.text in CONFUSED else SURE
    doubted = heard.confidence is not None and heard.confidence < wanted
    return f"{heard.text} {OTHER}".strip() if heard.unknown or doubted else heard.text


class _Glimpse:
    """A `pipelines.speech.decoding.Stream` of one step."""

    def __init__(
        self,
        model: VoskModel,
        phrases: tuple[str, ...],
        pcm: bytes,
        tell: Callable[[str], None],
    ) -> None:
        self._model = model
        self._phrases = phrases
        self._pcm = pcm
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self.due: float | None = self._loop.time() + DUE_S
        self.came: float | None = None
        self.waiting_s = 0.0
        model.decoder.add(self)
        model.decoder.wake(self)

    def step(self) -> float | None:
        """See `pipelines.speech.decoding.Stream`."""
        self.due = None
        text: str | None = None
        with suppress(SpeechError):
            hearing = self._model.hearing(self._phrases)
            hearing.feed(self._pcm + CLOSING)
            text = verdict(hearing.final())
        with suppress(RuntimeError):  # the loop is closed: nobody waits for it
            self._loop.call_soon_threadsafe(self._done, text)
        return None

    def _done(self, text: str | None) -> None:
        self._model.decoder.remove(self)
        if text is not None:
            self._tell(text)
