"""What was heard at a far end: where the engine's voice is in what came. Pure.

``--speech null`` says a tone of 3,000; noise of the line has some 20, so that a threshold tells
them apart to the sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FRAME",
    "LOUD",
    "MOST_TAIL_MS",
    "RATE_HZ",
    "Heard",
    "Reply",
    "first_sound",
    "last_sound",
    "replies",
]

Samples = NDArray[np.int16]

RATE_HZ = 8000
FRAME = RATE_HZ // 50
LOUD = 500
PAUSE_S = 0.1
"""A silence that ends a reply; the tone's own are half a period."""

MOST_TAIL_MS = 10.0
"""Less sound than this in a packet, half of one, is what Asterisk's resampler still had in it. It
leaves with whatever comes next: the line's noise, at once or a little later."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A piece of sound that came whole at `at`, and begins at `sent_s` by its sender's clock (RTP's
    timestamp). `broken` is true where its sender says that it does not join the one before: RTP's
    marker, or a jump of its timestamps."""

    at: float
    samples: Samples
    sent_s: float
    broken: bool = False

    def first_loud(self) -> int | None:
        """The first audible sample of it."""
        loud = np.flatnonzero(np.abs(self.samples.astype(np.int32)) > LOUD)
        return int(loud[0]) if loud.size else None

    def loud_ms(self) -> float:
        """From its first audible sample to its last."""
        loud = np.flatnonzero(np.abs(self.samples.astype(np.int32)) > LOUD)
        return float(loud[-1] - loud[0] + 1) * 1000 / RATE_HZ if loud.size else 0.0


def first_sound(heard: Sequence[Heard], after: float) -> float | None:
    """When the engine's voice began after `after`: a piece is played from when it came."""
    for piece in heard:
        if piece.at > after and (first := piece.first_loud()) is not None:
            return piece.at + first / RATE_HZ
    return None


def last_sound(heard: Sequence[Heard], before: float) -> float | None:
    """When the last piece of the engine's voice came before `before`."""
    for piece in reversed(heard):
        if piece.at < before and piece.first_loud() is not None:
            return piece.at
    return None


@dataclass(frozen=True, slots=True)
class Reply:
    """The engine's voice without a pause, heard from `begun` to `ended`, `lasts_s` by its sender's
    clock. `gaps` is how often it broke off within, `late_ms` by how much the latest piece came
    after its time, which the first one sets."""

    begun: float
    ended: float
    lasts_s: float
    gaps: int
    late_ms: float


def replies(heard: Sequence[Heard]) -> list[Reply]:
    """The replies in what was heard, in order, without what a resampler kept of their ends."""
    found: list[list[Heard]] = []
    for piece in heard:
        if piece.loud_ms() < MOST_TAIL_MS:
            continue
        if found and piece.sent_s - found[-1][-1].sent_s < PAUSE_S:
            found[-1].append(piece)
        else:
            found.append([piece])
    return [_reply(pieces) for pieces in found]


def _reply(pieces: Sequence[Heard]) -> Reply:
    first, last = pieces[0], pieces[-1]
    late_s = max(piece.at - first.at - (piece.sent_s - first.sent_s) for piece in pieces)
    lasts_s = last.sent_s - first.sent_s + FRAME / RATE_HZ
    gaps = sum(piece.broken for piece in pieces[1:])
    return Reply(first.at, last.at, lasts_s, gaps, late_s * 1000)
