"""The timeline of incoming sound: when each sample was taken, whatever the network did to it.

Messages arrive in bursts and late; samples were taken evenly. The delay of a message beyond the
least delay seen lately is the network's, and is taken off. When the far end stops sending in
silence (as telephones do), the timeline jumps once the pause is known to be no burst.
"""

from __future__ import annotations

__all__ = ["Timeline"]

WINDOW = 16
"""Messages that the least delay is taken over, in two halves. At 20 ms each a stall of 160 ms is
still seen as jitter; a real pause moves the timeline within 320."""

BURST_S = 2.0
"""Sound that may come ahead of real time, after a stall; more is dropped: it is stale."""


class Timeline:
    """Stamps messages of sound with the time of their first sample."""

    __slots__ = (
        "_before",
        "_count",
        "_credit_s",
        "_last_arrival",
        "_last_end",
        "_least",
        "_sent_s",
    )

    def __init__(self) -> None:
        self._sent_s = 0.0
        # The least offset of the window's running half, and of the half before.
        self._least = self._before = float("inf")
        self._count = 0
        self._last_end = float("-inf")
        self._last_arrival: float | None = None
        self._credit_s = BURST_S

    def stamp(self, duration_s: float, arrived_at: float) -> float | None:
        """The monotonic time at which the message's first sample was taken.

        `arrived_at` is when its last byte came. None if the sender is more than `BURST_S` ahead
        of real time: the message has to be dropped, and does not count.
        """
        if self._last_arrival is not None:
            self._credit_s = min(BURST_S, self._credit_s + arrived_at - self._last_arrival)
        self._last_arrival = arrived_at
        if duration_s > self._credit_s + 1e-9:
            return None
        self._credit_s -= duration_s
        self._sent_s += duration_s
        offset = arrived_at - self._sent_s
        self._count += 1
        if self._count == WINDOW // 2:
            self._count = 0
            self._before, self._least = self._least, offset
        elif offset < self._least:
            self._least = offset
        # Sound cannot have been taken before what came earlier, nor after it arrived.
        at = max(min(self._before, self._least) + self._sent_s - duration_s, self._last_end)
        at = min(at, arrived_at)
        self._last_end = at + duration_s
        return at
