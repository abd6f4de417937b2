"""Packets of RTP in order, each once, and as soon as may be.

A buffer that evens out jitter delays every packet for the sake of a loudspeaker. An ear needs
none: the sound's times come from `telephony.timeline`. So nothing waits but what comes after a
packet that is missing, and that not for long.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, TypeVar

__all__ = ["Reorder"]

MOST_WAITING = 3
"""Packets that may wait for a missing one: Wi-Fi and mobile networks reorder by one or two."""

PATIENCE_S = 0.06
"""The same in time, for a sender that pauses: three packets of 20 ms."""

RESTART = 100
"""A jump of so many packets is a sender that began anew (as `MAX_MISORDER` of RFC 3550, A.1)."""

T = TypeVar("T")


class Reorder(Generic[T]):
    """Takes packets as they come. `lost` counts those that never did, `late` those that came after
    they were given up, or twice."""

    def __init__(self) -> None:
        self.lost = 0
        self.late = 0
        self._next: int | None = None
        self._waiting: dict[int, tuple[float, T]] = {}

    def push(self, sequence: int, packet: T, now: float) -> Sequence[T | None]:
        """What can be used now that the packet of that sequence number (16 bits) arrived at `now`;
        None in place of each packet that is lost."""
        if self._next is None:
            self._next = sequence
        ahead = sequence - self._next & 0xFFFF
        if ahead == 0 and not self._waiting:
            self._next = sequence + 1 & 0xFFFF
            return (packet,)
        if RESTART < ahead < 0x10000 - RESTART:
            rest = [held for _, (_, held) in sorted(self._waiting.items(), key=self._place)]
            self._waiting.clear()
            self._next = sequence + 1 & 0xFFFF
            return [*rest, packet]
        if ahead >= 0x8000 or sequence in self._waiting:
            self.late += 1
            return ()
        self._waiting[sequence] = now, packet
        return self._release(now)

    def _place(self, item: tuple[int, tuple[float, T]]) -> int:
        assert self._next is not None
        return item[0] - self._next & 0xFFFF

    def _release(self, now: float) -> list[T | None]:
        out: list[T | None] = []
        assert self._next is not None
        while self._waiting:
            _, packet = self._waiting.pop(self._next, (0.0, None))
            if packet is None:
                oldest = min(arrived for arrived, _ in self._waiting.values())
                if len(self._waiting) < MOST_WAITING and now - oldest < PATIENCE_S:
                    break
                self.lost += 1
            out.append(packet)
            self._next = self._next + 1 & 0xFFFF
        return out
