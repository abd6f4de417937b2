"""What flows through a conversation: a small closed union of frozen frames, used with `match`.

Frames are never subclassed and carry no metadata. Times (`at` and whatever ends in `_at`) are
seconds on the monotonic clock of the edge; those of speech come from the sound's own timeline.
A frame that makes no sense cannot be constructed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = [
    "BYTES_PER_SAMPLE",
    "DTMF_DIGITS",
    "RATES_HZ",
    "TRANSFERS",
    "Audio",
    "Cleared",
    "Connect",
    "Delta",
    "Dtmf",
    "Expected",
    "Failed",
    "Frame",
    "Hangup",
    "Heard",
    "Interrupted",
    "Ledger",
    "Mark",
    "Notice",
    "Played",
    "Recording",
    "Say",
    "SpeechEnded",
    "SpeechStarted",
    "StateChanged",
    "Think",
    "Transcript",
    "Transfer",
]

BYTES_PER_SAMPLE = 2
"""s16le mono."""

RATES_HZ = frozenset({8000, 16000, 22050, 24000, 44100, 48000})
"""Telephony, our own rate, espeak-ng and Piper, cloud voices, CD, WebRTC."""

DTMF_DIGITS = frozenset("0123456789*#ABCD")
"""ITU-T Q.23."""

TRANSFERS = ("blind", "attended", "conference")


@dataclass(frozen=True, slots=True)
class Audio:
    """Sound, s16le mono; `at` is when its first sample was taken."""

    pcm: bytes
    rate_hz: int
    at: float

    def __post_init__(self) -> None:
        if len(self.pcm) & 1 or not self.pcm:
            raise ValueError(f"{len(self.pcm)} bytes are no whole number of s16le samples")
        if self.rate_hz not in RATES_HZ:
            raise ValueError(f"unknown sample rate {self.rate_hz} Hz")

    @property
    def samples(self) -> int:
        return len(self.pcm) // BYTES_PER_SAMPLE

    @property
    def duration_s(self) -> float:
        return len(self.pcm) / (BYTES_PER_SAMPLE * self.rate_hz)


@dataclass(frozen=True, slots=True)
class Dtmf:
    """A key of the telephone."""

    digit: str
    at: float

    def __post_init__(self) -> None:
        if self.digit not in DTMF_DIGITS:
            raise ValueError(f"{self.digit!r} is no DTMF digit")


@dataclass(frozen=True, slots=True)
class Expected:
    """What the next utterance probably is: one of `phrases`, or made of their parts."""

    phrases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The user began to speak at `at`; known at `decided_at`."""

    at: float
    decided_at: float

    def __post_init__(self) -> None:
        if self.decided_at < self.at:
            raise ValueError("speech cannot be known to have begun before it did")


@dataclass(frozen=True, slots=True)
class SpeechEnded:
    """The user's last sound was at `at`; the endpointer decided so at `decided_at`."""

    at: float
    decided_at: float

    def __post_init__(self) -> None:
        if self.decided_at < self.at:
            raise ValueError("speech cannot be known to have ended before it did")


@dataclass(frozen=True, slots=True)
class Transcript:
    """What the recogniser understood of the running utterance, whole; `final` closes it."""

    text: str
    final: bool
    at: float
    confidence: float | None = None

    def __post_init__(self) -> None:
        _check_confidence(self.confidence)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the user said in one turn, by whatever channel.

    `speech_end_at` <= `endpoint_at` <= `transcript_at`. On a text channel the first is when the
    last message arrived, the second when the debounce ended.
    """

    text: str
    speech_end_at: float
    endpoint_at: float
    transcript_at: float
    confidence: float | None = None

    def __post_init__(self) -> None:
        if not self.speech_end_at <= self.endpoint_at <= self.transcript_at:
            raise ValueError("speech end, endpoint and transcript are out of order")
        _check_confidence(self.confidence)


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of text as a language model produces it."""

    text: str


@dataclass(frozen=True, slots=True)
class Say:
    """A line for the user. `question` is true where an answer is expected after it; `epoch` is
    the turn that says it, where that is known."""

    text: str
    question: bool = False
    epoch: int = 0

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise ValueError("an empty line cannot be said")


@dataclass(frozen=True, slots=True)
class Think:
    """Let the language model write the reply. `messages` are role and content, oldest first;
    `fallback` is the line said where it cannot."""

    messages: tuple[tuple[str, str], ...]
    fallback: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Comes back when the far end has played all sound sent before it."""

    name: str

    def __post_init__(self) -> None:
        # Asterisk ignores a TEXT message over 128 bytes; 64 leave room for the JSON around it.
        if not 0 < len(self.name) <= 64:
            raise ValueError(f"a mark's name has 1 to 64 characters, not {len(self.name)}")


@dataclass(frozen=True, slots=True)
class Played:
    """The far end acknowledges the mark `name`."""

    name: str
    at: float


@dataclass(frozen=True, slots=True)
class Cleared:
    """The far end holds (after a pause) or dropped (after a clear) the sound of turn `epoch`,
    of which it had played `played_ms`."""

    epoch: int
    played_ms: float
    at: float

    def __post_init__(self) -> None:
        if not self.played_ms >= 0:
            raise ValueError("played time cannot be negative")


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The user broke into the turn `epoch`."""

    epoch: int
    at: float


@dataclass(frozen=True, slots=True)
class Hangup:
    """The conversation ends; `reason` is a stable word such as ``completed`` or ``caller``."""

    reason: str

    def __post_init__(self) -> None:
        if not self.reason:
            raise ValueError("a hang-up has a reason")


@dataclass(frozen=True, slots=True)
class Transfer:
    """Hand the person over to `to`, an extension or a number.

    ``blind``: at once, and we are gone. ``attended``: the person hears music until somebody takes
    the call, hears from us what it is about and is connected (`Connect`). ``conference``: the same,
    and we stay and talk. With `listen` we hear the two out, and say nothing.
    """

    to: str
    mode: str = "attended"
    timeout_s: float = 20.0
    listen: bool = False

    def __post_init__(self) -> None:
        if not self.to:
            raise ValueError("a transfer goes to somebody")
        if self.mode not in TRANSFERS:
            raise ValueError(f"unknown kind of transfer {self.mode!r}")


@dataclass(frozen=True, slots=True)
class Connect:
    """Let the person and whoever took the transfer hear each other."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Begin to record the call, or end it."""

    on: bool


@dataclass(frozen=True, slots=True)
class Failed:
    """The stage `stage` failed with `error`; the turn it worked for is lost, the session is not."""

    stage: str
    error: Exception
    at: float


@dataclass(frozen=True, slots=True)
class StateChanged:
    """The conversation's state, for whoever watches."""

    state: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """The account of a turn that ended, as JSON values (`Turn.ledger`)."""

    turn: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the far end should know: a stable `code`, and what to do about it."""

    code: str
    message: str
    fatal: bool = False


def _check_confidence(confidence: float | None) -> None:
    if confidence is not None and not 0.0 <= confidence <= 1.0:
        raise ValueError(f"confidence {confidence} is not within 0 and 1")


Frame = (
    Audio
    | Dtmf
    | Expected
    | SpeechStarted
    | SpeechEnded
    | Transcript
    | Heard
    | Delta
    | Say
    | Think
    | Mark
    | Played
    | Cleared
    | Interrupted
    | Hangup
    | Transfer
    | Connect
    | Recording
    | Failed
    | StateChanged
    | Ledger
    | Notice
)
