"""The forms in which Asterisk sends and takes sound, by its names for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from telephony.g711 import A_LAW, MU_LAW, Law

__all__ = ["FORMATS", "Format"]

Coding = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Format:
    """Sound of `rate_hz`; `decode` makes s16le of it and `encode` makes it of s16le."""

    name: str
    rate_hz: int
    sample_bytes: int
    decode: Coding
    encode: Coding

    @property
    def frame_bytes(self) -> int:
        """20 ms of it."""
        return self.rate_hz // 50 * self.sample_bytes

    def duration_s(self, size: int) -> float:
        return size / (self.sample_bytes * self.rate_hz)


def _same(sound: bytes) -> bytes:
    return sound


def _slin(name: str, rate_hz: int) -> Format:
    return Format(name, rate_hz, 2, _same, _same)


def _law(name: str, law: Law) -> Format:
    return Format(
        name,
        8000,
        1,
        lambda coded: law.decode(coded).tobytes(),
        lambda pcm: law.encode(np.frombuffer(pcm, np.int16)),
    )


FORMATS = {
    form.name: form
    for form in (
        _slin("slin16", 16000),
        _slin("slin", 8000),
        _law("ulaw", MU_LAW),
        _law("alaw", A_LAW),
    )
}
"""The best one first: what nothing has to be resampled for."""
