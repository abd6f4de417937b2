"""What the detector says of a scene, and whether it is right."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from bench.amd.peer import Said
from bench.amd.scenes import Scene
from bench.amd.words import Known
from engine.frames import Audio
from pipelines.audio.resample import RATE_HZ
from telephony.amd import Amd, Beep, Kind, Verdict

__all__ = ["BEEP_OFF_S", "HANG_UP", "Judged", "judged"]

HANG_UP = frozenset({Kind.VOICEMAIL, Kind.NETWORK, Kind.FAX})
"""After such a verdict a person would be hung up on, or left waiting for a beep."""
BEEP_OFF_S = 0.15
"""A beep that is told to end elsewhere is another one."""


@dataclass(frozen=True, slots=True)
class Judged:
    """All that was told of a scene. Times are from the answer."""

    scene: Scene
    verdicts: tuple[Verdict, ...]
    beeps: tuple[tuple[Beep, float], ...]
    """With the moment they were told."""
    cpu_s: float

    @property
    def first(self) -> Verdict | None:
        return self.verdicts[0] if self.verdicts else None

    @property
    def last(self) -> Verdict | None:
        return self.verdicts[-1] if self.verdicts else None

    @property
    def kind(self) -> Kind:
        """What it was taken for in the end."""
        return Kind.UNKNOWN if self.last is None else self.last.kind

    @property
    def took_s(self) -> float | None:
        """Until the verdict that stood; None without one."""
        last = self.last
        return None if last is None or last.kind is Kind.UNKNOWN else last.took_s

    @property
    def hung_up(self) -> bool:
        """Whether it was ever taken for what is hung up on."""
        return any(verdict.kind in HANG_UP for verdict in self.verdicts)

    @property
    def beep_late_s(self) -> float | None:
        """From the end of the scene's beep until it was told; None if it was not."""
        until = self.scene.beep_until
        for beep, told in self.beeps:
            if until is not None and abs(beep.at + beep.length_s - until) <= BEEP_OFF_S:
                return told - until
        return None

    @property
    def false_beeps(self) -> int:
        return len(self.beeps) - (self.beep_late_s is not None)


def judged(
    scene: Scene, pcm: bytes, words: Sequence[Known], asterisk: Said | None = None
) -> Judged:
    """`pcm` is what arrives of the scene (s16le mono at 16 kHz), `words` what is understood of it,
    in order of time. `asterisk` is a witness as on calls: from the answer to the first verdict."""
    amd = Amd(scene.language, early_media=True)
    waiting = list(words)
    verdicts: list[Verdict] = []
    beeps: list[tuple[Beep, float]] = []
    answer_s = scene.answered_s
    told_s = inf if asterisk is None or answer_s is None else answer_s + asterisk.took_s
    size = RATE_HZ // 50 * 2
    began = time.process_time()
    for index in range(len(pcm) // size):
        at, now = index * 0.02, (index + 1) * 0.02
        if answer_s is not None and at >= answer_s - 1e-9:
            amd.answered(at)
            answer_s = None
        told = list(amd.feed(Audio(pcm[index * size : (index + 1) * size], RATE_HZ, at)))
        while waiting and waiting[0].at <= now:
            told += amd.feed(waiting.pop(0).transcript)
        if asterisk is not None and now >= told_s and amd.verdict is None:
            told += amd.amd_status(asterisk.status, asterisk.cause, now)
            asterisk = None
        for one in told:
            if isinstance(one, Verdict):
                verdicts.append(one)
            else:
                beeps.append((one, now))
    return Judged(scene, tuple(verdicts), tuple(beeps), time.process_time() - began)
