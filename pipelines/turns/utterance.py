"""What the caller is saying, or has just said."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.flow import Question
from engine.frames import SpeechEnded
from pipelines.turns.level import level

__all__ = ["Utterance"]

RATE_HZ = 16000
SHORT_S = 0.6
"""Coughs are shorter: nobody is asked to repeat one."""
KEPT_BYTES = 2 * RATE_HZ * 2
"""Two seconds: what is longer is judged by its words."""
PIECE_BYTES = RATE_HZ // 10 * 2
"""How loud a tenth of a second is, is how loud a syllable is."""


@dataclass(slots=True)
class Utterance:
    """From the first sound to the last; `question` is what waited for an answer when it began.

    `over` is the turn of ours that it is spoken over, None once that was cut. `taken`: it counts as
    speech, so we hold; what comes over a line that sent false alarms counts from its first word.
    `echo`: so far it is our own voice.
    """

    started_at: float
    question: Question
    over: int | None = None
    asked: bool = True
    """It may answer `question`: it began in our silence, or over enough of the question itself."""
    ended: SpeechEnded | None = None
    heard: str = ""
    """Its words so far, as the recogniser has them."""
    worded_at: float = 0.0
    """When the last new word came."""
    taken: bool = False
    cut: bool = False
    """It interrupted us."""
    echo: bool = False
    ours: int = 0
    """Its first words, which the recogniser made of our own voice."""
    early: str | None = None
    """What its beginning sounded like, once that was looked at."""
    glimpsed: bool = False
    """Its beginning is being looked at, or was."""
    let_go: bool = False
    """It sounds like nothing that stops us; its words may still be more."""
    sound: bytearray = field(default_factory=bytearray)
    """Its latest."""
    loudest: float = 0.0
    """The `level` of its loudest tenth of a second."""

    @property
    def text(self) -> str:
        """Its words so far, without those of ours."""
        return " ".join(self.heard.split()[self.ours :])

    @property
    def protected(self) -> bool:
        """What it is spoken over is heard to its end."""
        return self.over is not None and self.question.barge_in == "never"

    @property
    def short(self) -> bool:
        """It is over, and as short as a cough."""
        return self.ended is not None and self.ended.at - self.started_at < SHORT_S

    def begin_after_ours(self, at: float) -> None:
        """What came before `at` was our own voice."""
        self.echo = False
        self.started_at = at
        self.ours = len(self.heard.split())

    def hear(self, pcm: bytes) -> None:
        """There is more of it: s16le mono at 16 kHz."""
        self.sound += pcm
        del self.sound[:-KEPT_BYTES]
        for start in range(0, len(pcm), PIECE_BYTES):
            self.loudest = max(self.loudest, level(pcm[start : start + PIECE_BYTES]))

    def faded(self, floor: float) -> bool:
        """Its last tenth of a second is weaker than `floor` (a `level`)."""
        return level(bytes(self.sound[-PIECE_BYTES:])) < floor
