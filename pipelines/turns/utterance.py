"""What the caller is saying, or has just said."""

from __future__ import annotations

from dataclasses import dataclass, field

from engine.flow import Question
from engine.frames import Heard, SpeechEnded

__all__ = ["Kept", "Utterance"]


@dataclass(slots=True)
class Utterance:
    """From the first sound to the last; `question` is what it answers.

    `over` is the turn of ours that it is spoken over, None once that was cut. `taken`: it counts as
    speech, so we hold; what comes over a line that sent false alarms counts from its first word.
    `echo`: so far it is our own voice.
    """

    started_at: float
    question: Question
    over: int | None = None
    ended: SpeechEnded | None = None
    text: str = ""
    worded_at: float = 0.0
    """When the last new word came."""
    taken: bool = False
    cut: bool = False
    """It interrupted us."""
    echo: bool = False
    ours: int = 0
    """Its first words, which the recogniser made of our own voice."""
    glimpsed: bool = False
    """Its beginning was looked at."""
    let_go: bool = False
    """It sounds like nothing that stops us; its words may still be more."""
    sound: bytearray = field(default_factory=bytearray)
    """Its latest, while it may be our own voice."""

    @property
    def protected(self) -> bool:
        """What it is spoken over is heard to its end."""
        return self.over is not None and self.question.barge_in == "never"


@dataclass(frozen=True, slots=True)
class Kept:
    """Something said, and not answered yet: `due` is when the pause after it is over, None while
    what it was said over must be heard out first."""

    heard: Heard
    due: float | None

    def then(self, heard: Heard) -> Heard:
        """It and `heard` as one."""
        return Heard(
            f"{self.heard.text} {heard.text}".strip(),
            heard.speech_end_at,
            heard.endpoint_at,
            heard.transcript_at,
            heard.confidence if heard.text else self.heard.confidence,
        )

    def at(self, now: float) -> Heard:
        """What is answered `now`. What had to wait for us is answered as if it ended with us."""
        speech_end_at = now if self.due is None else self.heard.speech_end_at
        return Heard(self.heard.text, speech_end_at, now, now, self.heard.confidence)
