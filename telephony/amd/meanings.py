"""What tones mean by their frequency, length and rhythm."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from telephony.amd.tones import Tone

__all__ = ["Meaning", "Meanings", "Meant"]


class Meaning(StrEnum):
    """What tones mean."""

    RINGBACK = "ringback"
    BUSY = "busy"
    CONGESTION = "congestion"
    DIAL = "dial tone"
    SIT = "special information tone"
    CNG = "fax calling"
    CED = "fax answering"
    BEEP = "beep"


@dataclass(frozen=True, slots=True)
class Meant:
    """Known at `at`; `tones` are those it is told by."""

    meaning: Meaning
    at: float
    tones: tuple[Tone, ...]


SIT_HZ = (950.0, 1400.0, 1800.0)
SIT_TOLERANCE_HZ = 60.0
"""ITU-T E.180: 950, 1400 and 1800 Hz, each within 50; North America's lie within 60."""
SIT_LENGTH_S = (0.2, 0.45)
"""330 ms, each within 70; North America's are 276 and 380 ms."""
SIT_GAP_S = 0.12
CNG_HZ, CNG_TOLERANCE_HZ, CNG_LENGTH_S = 1100.0, 38.0, (0.42, 0.58)
CED_HZ, CED_TOLERANCE_HZ, CED_LEAST_S = 2100.0, 30.0, 0.7
"""ITU-T T.30 and V.25: 1100 Hz for half a second, 2100 Hz for 2.6 to 4 s (with turns of phase every
450 ms where a modem means it). No beep of a voicemail is 2100 Hz for so long."""
RING_LEAST_S, RING_OFF_S = 0.8, 1.5
"""Rings of 1 to 2 s and pauses of 3 to 5; the UK's two short ones are known by their tones."""
PULSE_S = {Meaning.BUSY: (0.3, 0.62), Meaning.CONGESTION: (0.1, 0.3)}
"""Half a second or 375 ms on and as much off; a quarter or less of either."""
DIAL_LEAST_S = 3.0
BEEP_S, BEEP_HZ = (0.09, 2.5), (350.0, 2000.0)
LOW_BEEP_HZ, LOW_BEEP_S = 500.0, 0.17
"""A voice has its strongest harmonics that low, and some stand still for a tenth of a second."""
BEEP_RIPPLE_DB, BEEP_DRIFT_HZ, BEEP_PURITY = 2.5, 4.0, 0.9
"""Beeps at 8 dB over noise: 0.5 dB, 2 Hz, 0.97. What is steadiest in speech (a hummed m) and lasts
as long: 2.7 dB, 8 Hz, 0.87 (five recordings of people, eight voices of espeak-ng). By hand."""
QUIET_AFTER_S = 0.12
"""A beep is the last sound of a greeting; a note of a melody is followed by another."""
PROGRESS_WAIT_S = 0.7
"""A beep at the frequency of call-progress tones is one if it does not come again."""
DTMF_HZ = ((697.0, 770.0, 852.0, 941.0), (1209.0, 1336.0, 1477.0, 1633.0))
"""ITU-T Q.23."""


class Meanings:
    """Tells them as soon as they can be told."""

    def __init__(self) -> None:
        self._tones: list[Tone] = []
        self._candidate: Tone | None = None
        self._told: set[tuple[Meaning, float]] = set()

    @property
    def waiting(self) -> bool:
        """Whether a tone has ended that may turn out to be a beep."""
        return self._candidate is not None

    def ended(self, tone: Tone) -> Iterator[Meant]:
        """A tone has ended."""
        self._candidate = None
        self._tones = [*self._tones[-7:], tone]
        if meant := self._rhythm(tone):
            yield meant
        elif _beeps(tone):
            self._candidate = tone

    def going_on(self, tone: Tone) -> Iterator[Meant]:
        """`tone` sounds, and has for so long."""
        self._candidate = None
        if tone.near(CED_HZ, CED_TOLERANCE_HZ) and tone.length_s >= CED_LEAST_S:
            yield from self._once(Meaning.CED, tone)
        if tone.name and tone.length_s >= DIAL_LEAST_S:
            yield from self._once(Meaning.DIAL, tone)

    def quiet(self, now: float) -> Iterator[Meant]:
        """It is quiet at `now`."""
        tone = self._candidate
        if tone is None:
            return
        wait_s = PROGRESS_WAIT_S if tone.name and tone.length_s <= 0.62 else QUIET_AFTER_S
        if now - tone.end >= wait_s:
            self._candidate = None
            yield Meant(Meaning.BEEP, now, (tone,))

    def sounded(self, now: float) -> None:
        """Something else than a tone is heard at `now`."""
        if self._candidate is not None and now - self._candidate.end < QUIET_AFTER_S:
            self._candidate = None

    def _once(self, meaning: Meaning, tone: Tone) -> Iterator[Meant]:
        if (meaning, tone.at) not in self._told:
            self._told.add((meaning, tone.at))
            yield Meant(meaning, tone.end, (tone,))

    def _rhythm(self, tone: Tone) -> Meant | None:
        """What `tone` means together with those before it."""
        last = self._tones[-3:]
        if _is_sit(last):
            return Meant(Meaning.SIT, tone.end, tuple(last))
        if tone.near(CNG_HZ, CNG_TOLERANCE_HZ) and _within(tone.length_s, CNG_LENGTH_S):
            return Meant(Meaning.CNG, tone.end, (tone,))
        if not tone.name:
            return None
        before = self._tones[-2] if len(self._tones) > 1 else None
        if before is not None and before.name == tone.name:
            gap_s = tone.at - before.end
            for meaning, bounds in PULSE_S.items():
                if all(_within(s, bounds) for s in (tone.length_s, before.length_s, gap_s)):
                    return Meant(meaning, tone.end, (before, tone))
            if 0.3 <= tone.length_s <= 0.5 and 0.1 <= gap_s <= 0.3:  # 400 ms, 200 ms, 400 ms
                return Meant(Meaning.RINGBACK, tone.end, (before, tone))
        if RING_LEAST_S <= tone.length_s < DIAL_LEAST_S:
            return Meant(Meaning.RINGBACK, tone.end, (tone,))
        return None


def _is_sit(tones: list[Tone]) -> bool:
    return (
        len(tones) == 3
        and all(tone.near(hz, SIT_TOLERANCE_HZ) for tone, hz in zip(tones, SIT_HZ, strict=True))
        and all(_within(tone.length_s, SIT_LENGTH_S) for tone in tones)
        and all(after.at - tone.end < SIT_GAP_S for tone, after in pairwise(tones))
    )


def _beeps(tone: Tone) -> bool:
    return (
        _within(tone.length_s, BEEP_S)
        and (tone.length_s >= LOW_BEEP_S or tone.hz >= LOW_BEEP_HZ)
        and _within(tone.hz, BEEP_HZ)
        and tone.ripple_db <= BEEP_RIPPLE_DB
        and tone.drift_hz <= BEEP_DRIFT_HZ
        and tone.purity >= BEEP_PURITY
        and not _is_key(tone)
    )


def _is_key(tone: Tone) -> bool:
    """A key of the telephone."""
    return bool(tone.other_hz) and all(
        any(abs(hz - known) <= 0.02 * known for known in group)
        for hz, group in zip((tone.hz, tone.other_hz), DTMF_HZ, strict=True)
    )


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value <= bounds[1]
