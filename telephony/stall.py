"""What comes late and all at once after a stall is stale: most of it is dropped.

A caller who sent nothing for a while, and a network that kept what he sent, look the same until
the second message after it: sound that is live comes as it is spoken, sound that was kept comes at
once. So the first messages after a gap wait for the next ones, 40 ms of a voice that begins.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

__all__ = ["KEPT_S", "STALL_S", "Stall"]

STALL_S = 0.5
"""A gap that may have been a stall: three times what the timeline still takes for jitter."""

KEPT_S = 1.0
"""Of what was kept, the newest that is still worth hearing: the last words, and no answer to what
was said before them comes late."""

LIVE = 2
"""Messages in a row at the pace of speech: one pause alone may be within what was kept."""


class Stall:
    """Passes sound on as it comes, but for what a stall made stale. `dropped` counts messages."""

    __slots__ = ("_held", "_held_s", "_last_at", "_live", "dropped")

    def __init__(self) -> None:
        self.dropped = 0
        self._held: deque[tuple[bytes, float]] = deque()
        self._held_s = 0.0
        self._last_at: float | None = None
        self._live = 0

    def take(self, sound: bytes, duration_s: float, now: float) -> Sequence[tuple[bytes, float]]:
        """A message that arrived at `now`. What is to be heard of it and of those before, each with
        when it would have arrived; more than one where a gap has just been got over."""
        since = 0.0 if self._last_at is None else now - self._last_at
        self._last_at = now
        if not self._held and since <= STALL_S:
            return ((sound, now),)
        self._live = self._live + 1 if self._held and since >= duration_s / 2 else 0
        self._held.append((sound, duration_s))
        self._held_s += duration_s
        while self._held_s > KEPT_S + duration_s / 2:
            _, stale_s = self._held.popleft()
            self._held_s -= stale_s
            self.dropped += 1
        return self._release(now) if self._live >= LIVE else ()

    def finish(self) -> Sequence[tuple[bytes, float]]:
        """No more will come: what still waits is heard."""
        return () if self._last_at is None else self._release(self._last_at)

    def _release(self, now: float) -> list[tuple[bytes, float]]:
        out = []
        arrived = now - self._held_s
        for sound, duration_s in self._held:
            arrived += duration_s
            out.append((sound, arrived))
        self._held.clear()
        self._held_s = 0.0
        self._live = 0
        return out
