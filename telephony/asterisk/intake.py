"""Sound on its way in: what is stale is dropped, the rest is decoded and given its time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from engine.errors import ProtocolError
from engine.frames import Audio
from telephony.asterisk.formats import Format
from telephony.stall import Stall
from telephony.timeline import Timeline

__all__ = ["Intake"]


class Intake:
    """The sound of one call, of `form`. What is dropped is counted in `faults`, by code."""

    def __init__(self, form: Format, faults: Counter[str]) -> None:
        self._format = form
        self._faults = faults
        self._stall = Stall()
        self._timeline = Timeline()

    def take(self, sound: bytes, now: float) -> list[Audio]:
        """A message that arrived at `now`; what is to be heard of it and of those before it.

        Raises ProtocolError for one without whole samples.
        """
        form = self._format
        if not sound or len(sound) % form.sample_bytes:
            raise ProtocolError("audio.odd_bytes", "a message of sound has whole samples")
        stale = self._stall.dropped
        taken = self._stall.take(sound, form.duration_s(len(sound)), now)
        if self._stall.dropped > stale:
            self._faults["audio.stale"] += self._stall.dropped - stale
        return self._heard(taken) if len(taken) == 1 else self._after_gap(taken)

    def finish(self) -> list[Audio]:
        """No more will come: what was still held back."""
        return self._after_gap(self._stall.finish())

    def _after_gap(self, taken: Sequence[tuple[bytes, float]]) -> list[Audio]:
        """Nothing is known any more of how late sound comes."""
        if taken:
            self._timeline = Timeline()
        return self._heard(taken)

    def _heard(self, taken: Sequence[tuple[bytes, float]]) -> list[Audio]:
        form = self._format
        out = []
        for sound, arrived in taken:
            at = self._timeline.stamp(form.duration_s(len(sound)), arrived)
            if at is None:
                self._faults["audio.too_fast"] += 1
            else:
                out.append(Audio(form.decode(sound), form.rate_hz, at))
        return out
