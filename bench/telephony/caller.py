"""A caller who lets the engine finish and answers, over any line: frames of 20 ms. Sans-I/O."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.telephony.sound import FRAME, RATE_HZ, Heard, Samples

__all__ = ["Caller", "Said", "said"]

AUDIBLE = 0.04
"""As in server/talk/line.py: 28 dB below the peak."""


@dataclass(frozen=True, slots=True)
class Said:
    """Something to say at 8 kHz, audible from the sample `first` to `last`."""

    samples: Samples
    first: int
    last: int


def said(text: str, voice: str, *, seed: int = 1) -> Said:
    """`text` in a voice of espeak-ng, in the telephone band."""
    from pipelines.speech.espeak import synthesise
    from server.talk.line import pick_voice, utterance

    chosen = pick_voice((voice,), seed)
    spoken = utterance(text, synthesise(text, chosen.name, chosen.rate_wpm, chosen.pitch))
    samples = spoken.samples[::2].copy()
    samples = np.concatenate([samples, np.zeros(-samples.size % FRAME, np.int16)])
    loud = np.abs(samples.astype(np.int32))
    audible = np.flatnonzero(loud > AUDIBLE * loud.max())
    return Said(samples, int(audible[0]), int(audible[-1]))


class Caller:
    """Says `words` each time the engine has been silent for `think_s` after it spoke."""

    def __init__(self, words: Said, *, think_s: float = 0.4) -> None:
        self.heard: list[Heard] = []
        self.spoken: list[tuple[float, float]] = []
        """When the first and the last audible sample of what he said left him."""
        self._words = words
        self._think_s = think_s
        self._rest = np.zeros(0, np.int16)
        self._frames: list[tuple[int, int]] = []
        """Audible samples that are under way: frames to come, and the sample in that frame."""
        self._loud_at: float | None = None
        self._edges: list[float] = []

    @property
    def speaking(self) -> bool:
        return bool(self._frames)

    def hear(self, piece: Heard) -> None:
        """A piece of sound came."""
        self.heard.append(piece)
        if piece.first_loud() is not None:
            self._loud_at = piece.at

    def frame(self, now: float) -> Samples:
        """The next 20 ms that he sends."""
        waited = self._loud_at is not None and now - self._loud_at >= self._think_s
        if waited and not self._rest.size and not self._frames:
            self.say()
        said, self._rest = self._rest[:FRAME], self._rest[FRAME:]
        return said if said.size else np.zeros(FRAME, np.int16)

    def say(self) -> None:
        """Say the words from the next frame on."""
        self._loud_at = None
        self._rest = self._words.samples
        self._frames = [divmod(self._words.first, FRAME), divmod(self._words.last, FRAME)]
        self._edges = []

    def sent(self, at: float) -> None:
        """The frame has left at `at`: its last sample was taken just then."""
        left = []
        for frames, sample in self._frames:
            if frames == 0:
                self._edges.append(at - (FRAME - 1 - sample) / RATE_HZ)
            else:
                left.append((frames - 1, sample))
        self._frames = left
        if len(self._edges) == 2:
            self.spoken.append((self._edges[0], self._edges[1]))
            self._edges = []
