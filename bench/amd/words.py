"""Where a scene's words come from: as they are said, or as a recogniser hears them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.amd.scenes import Scene
from engine.frames import Audio, SpeechEnded, SpeechStarted, Transcript
from pipelines.audio.resample import RATE_HZ
from pipelines.audio.vad import WebRtcVad
from pipelines.speech.vosk import VoskModel
from pipelines.turns.gate import SpeechGate

__all__ = ["AS_SAID_S", "DECODED_S", "Known", "Recogniser", "as_said"]

AS_SAID_S = 0.3
"""After its end a word is known, by a recogniser that makes no mistakes."""
DECODED_S = 0.1
"""What decoding and its queue take: interims of the demo model come within (docs/models.md)."""


@dataclass(frozen=True, slots=True)
class Known:
    """`transcript` is there at `at`."""

    at: float
    transcript: Transcript


def as_said(scene: Scene) -> list[Known]:
    """Every word, `AS_SAID_S` after it: what a perfect recogniser would give."""
    known = []
    for said in scene.said:
        words = said.text.split()
        whole = sum(map(len, words))
        length = 0
        for index, word in enumerate(words, 1):
            length += len(word)
            at = said.at + (said.until - said.at) * length / whole + AS_SAID_S
            last = index == len(words)
            known.append(Known(at, Transcript(" ".join(words[:index]), last, at)))
    return known


class Recogniser:
    """A Vosk model, as a call uses it: behind the engine's gate, with interims."""

    def __init__(self, path: Path) -> None:
        self._model = VoskModel(path, workers=1)

    def load(self) -> None:
        """Raises SpeechError."""
        asyncio.run(self._model.load())

    def close(self) -> None:
        self._model.close()

    def hear(self, pcm: bytes) -> list[Known]:
        """What it understands of s16le mono at 16 kHz, and when."""
        gate, hearing = SpeechGate(WebRtcVad()), self._model.hearing(())
        return list(self._heard(pcm, gate, hearing))

    @staticmethod
    def _heard(pcm: bytes, gate: SpeechGate, hearing: Any) -> Iterator[Known]:
        size = RATE_HZ // 50 * 2
        shown = ""
        for index in range(len(pcm) // size):
            now = (index + 1) * 0.02
            for frame in gate.feed(
                Audio(pcm[index * size : (index + 1) * size], RATE_HZ, index * 0.02)
            ):
                match frame:
                    case SpeechStarted():
                        hearing.reset()
                        shown = ""
                    case Audio():
                        hearing.feed(frame.pcm)
                        text, _ = hearing.partial()
                        if text and text != shown:
                            shown = text
                            at = now + DECODED_S
                            yield Known(at, Transcript(text, False, at))
                    case SpeechEnded():
                        at = now + DECODED_S
                        heard = hearing.final()
                        if heard.text:
                            yield Known(at, Transcript(heard.text, True, at, heard.confidence))
                        hearing.reset()
                    case _:
                        pass
