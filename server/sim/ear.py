"""What is on the line for whoever listens with the engine's clock: which recordings, and what part
of them."""

from __future__ import annotations

from bisect import bisect_right

from server.sim.heard import Part, Recording, Recordings
from server.sim.line import Mixer
from server.sim.script import Script
from server.sim.sounds import whole_sound
from server.sim.voices import OURS
from server.talk.far_end import FarEnd
from telephony.timeline import Timeline

__all__ = ["Ear"]

MASKED_DB = 6.0
"""Of two sounds at once, one that is this much fainter is not heard: simplified."""

ECHO = "echo"
FRAME_S = 0.02


class Ear:
    """Follows the caller's sound as it arrives: `arrived` for each message, then `parts`.

    It stamps messages with a timeline of its own, as the engine's decoder does.
    """

    def __init__(self, script: Script, line: Mixer, recordings: Recordings) -> None:
        self._script = script
        self._line = line
        self._recordings = recordings
        self._rate_hz = script.rate_hz
        self._timeline = Timeline()
        self._ats: list[float] = []
        self._samples: list[int] = []
        self._lines: dict[int, list[tuple[str, float, float]]] = {}
        self.far: FarEnd | None = None

    def arrived(self, now: float, sample: int, count: int) -> None:
        """A message with `count` samples, the first of which is `sample` of the caller's track."""
        at = self._timeline.stamp(count / self._rate_hz, now)
        if at is not None:
            self._ats.append(at)
            self._samples.append(sample)

    def replied(self, turn: int, text: str) -> None:
        """A line of ours is on its way: it may come back as an echo."""
        lines = self._lines.setdefault(turn, [])
        start = lines[-1][2] if lines else 0.0
        lines.append((text, start, start + len(whole_sound(text)) / 32))

    @property
    def heard_until(self) -> float:
        """The end of the last sound that arrived, on the engine's clock."""
        return self._ats[-1] + FRAME_S if self._ats else 0.0

    def sample(self, at: float) -> int:
        """Of the caller's track, what was heard `at` on the engine's clock."""
        index = bisect_right(self._ats, at + 1e-6) - 1
        if index < 0:
            return 0
        return self._samples[index] + round((at - self._ats[index]) * self._rate_hz)

    def parts(self, since: float, until: float) -> list[Part]:
        """What is audible between two moments of the engine's clock."""
        first, end = self.sample(since), self.sample(until)
        found: list[tuple[int, int, float, Part]] = []
        for one in self._line.heard:
            if one.start < end and one.end > first:
                condition = self._script.condition
                made = self._recordings.of(one.sound.text, one.sound.voice, condition)
                found.append(
                    (one.start, one.end, one.level_db, self._part(made, one.start, first, end))
                )
        if self._script.echo is not None:
            found += self._echoes(first, end)
        found.sort(key=lambda one: one[0])
        return [
            one[3]
            for one in found
            if not any(
                other[2] >= one[2] + MASKED_DB and other[0] < one[1] and other[1] > one[0]
                for other in found
            )
        ]

    def _part(self, made: Recording, start: int, first: int, end: int) -> Part:
        ms = 1000 / self._rate_hz
        return Part(made, (first - start) * ms, (end - start) * ms)

    def _echoes(self, first: int, end: int) -> list[tuple[int, int, float, Part]]:
        far, echo = self.far, self._script.echo
        if far is None or echo is None:
            return []
        delay = round(echo[0] * self._rate_hz)
        found: list[tuple[int, int, float, Part]] = []
        played: dict[int, int] = {}
        for run in far.runs:
            offset = played.get(run.turn, 0)
            played[run.turn] = offset + run.end - run.start
            if run.start + delay >= end or run.end + delay <= first:
                continue
            zero = run.start + delay - offset  # where the turn's first sample would be
            for text, from_ms, to_ms in self._lines.get(run.turn, ()):
                start = zero + round(from_ms * self._rate_hz / 1000)
                stop = zero + round(to_ms * self._rate_hz / 1000)
                if start < end and stop > first and start < run.end + delay:
                    made = self._recordings.of(text, OURS, ECHO)
                    part = self._part(
                        made, start, max(first, run.start + delay), min(end, run.end + delay)
                    )
                    found.append((start, stop, echo[1], part))
        return found
