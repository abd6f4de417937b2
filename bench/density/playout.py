"""A far end that plays what it receives in real time, for the features `mark`, `clear`, `pause`."""

from __future__ import annotations

from bench.density.turns import BYTES_PER_MS

__all__ = ["Playout"]


class Playout:
    """Where the playout of one call stands; every method takes the time in seconds."""

    __slots__ = ("_end_s", "_marks", "_paused_s", "_turn_ms")

    def __init__(self) -> None:
        self._end_s = 0.0
        self._paused_s: float | None = None
        self._turn_ms = 0.0
        self._marks: list[tuple[float, str]] = []

    def turn(self) -> None:
        """The sound that follows belongs to another turn."""
        self._turn_ms = 0.0

    def sound(self, now_s: float, size_bytes: int) -> None:
        """Sound has arrived; it plays after what is there already."""
        duration_ms = size_bytes / BYTES_PER_MS
        clock_s = now_s if self._paused_s is None else self._paused_s
        self._end_s = max(self._end_s, clock_s) + duration_ms / 1000.0
        self._turn_ms += duration_ms

    def mark(self, now_s: float, name: str) -> None:
        """Remember a mark behind all sound so far."""
        self._marks.append((max(self._end_s, now_s), name))

    def reached(self, now_s: float) -> list[str]:
        """Marks that the playout has passed; each is returned once."""
        if not self._marks or self._paused_s is not None:
            return []
        reached = [name for at_s, name in self._marks if at_s <= now_s]
        if reached:
            self._marks = [mark for mark in self._marks if mark[0] > now_s]
        return reached

    def pause(self, now_s: float) -> float:
        """Hold the playout; how much of the turn has been played, in ms."""
        if self._paused_s is None:
            self._paused_s = now_s
        return self.played_ms(now_s)

    def resume(self, now_s: float) -> None:
        """Go on from where it was held."""
        if self._paused_s is None:
            return
        held_s = now_s - self._paused_s
        if self._end_s > self._paused_s:
            self._end_s += held_s
        self._marks = [(at_s + held_s, name) for at_s, name in self._marks]
        self._paused_s = None

    def clear(self, now_s: float) -> float:
        """Drop what is not played; how much of the turn has been played, in ms."""
        played_ms = self.played_ms(now_s)
        self._end_s = now_s
        self._paused_s = None
        self._marks.clear()
        return played_ms

    def played_ms(self, now_s: float) -> float:
        """How much of the turn's sound has been played."""
        clock_s = now_s if self._paused_s is None else self._paused_s
        return max(0.0, self._turn_ms - max(0.0, self._end_s - clock_s) * 1000.0)
