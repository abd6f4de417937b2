"""What witnesses say of who answered, and what is concluded from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

__all__ = ["Beep", "Evidence", "Kind", "Statement", "Verdict"]


class Kind(StrEnum):
    """Who or what is at the far end."""

    HUMAN = "human"
    VOICEMAIL = "voicemail"
    NETWORK = "network"
    """The network's own: an announcement, or the tones of a call that came to nothing."""
    FAX = "fax"
    SILENCE = "silence"
    MUSIC = "music"
    """On hold: a switchboard answered."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Statement:
    """What one `witness` says at the moment, in place of whatever it said before.

    `weights` are log likelihood ratios in nats: how much likelier the observation is where the
    call is of that kind; 0 where the kind is not named. `says` has no words of the far end's but
    those of our own tables.
    """

    witness: str
    says: str
    at: float
    weights: Mapping[Kind, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if Kind.UNKNOWN in self.weights:
            raise ValueError("nothing speaks for a call of unknown kind")


@dataclass(frozen=True, slots=True)
class Evidence:
    """A statement as it counted for a verdict: `weight` is what it moved towards the verdict,
    against the likeliest other kind; `at_s` is when, in seconds from the answer."""

    witness: str
    says: str
    at_s: float
    weight: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who answered, with `confidence` 0 to 1, `took_s` after the answer. A later one takes the
    place of the one before (`revises`), which may have been wrong."""

    kind: Kind
    confidence: float
    at: float
    took_s: float
    evidence: tuple[Evidence, ...] = ()
    revises: Kind | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.confidence <= 1.0:
            raise ValueError(f"confidence {self.confidence} is not within 0 and 1")

    def as_json(self) -> dict[str, object]:
        """For a session's log."""
        told: dict[str, object] = {
            "verdict": str(self.kind),
            "confidence": round(self.confidence, 3),
            "took_s": round(self.took_s, 2),
            "evidence": [
                {
                    "witness": one.witness,
                    "says": one.says,
                    "at_s": round(one.at_s, 2),
                    "weight": round(one.weight, 1),
                }
                for one in self.evidence
            ],
        }
        return told | ({} if self.revises is None else {"revises": str(self.revises)})


@dataclass(frozen=True, slots=True)
class Beep:
    """A voicemail's beep, from `at` for `length_s`; known when it is over."""

    at: float
    length_s: float
    hz: float

    def as_json(self) -> dict[str, object]:
        """For a session's log."""
        return {"length_s": round(self.length_s, 2), "hz": round(self.hz)}
