"""A network between two ends: delay, jitter, loss, stalls, and its end.

A WebSocket is a TCP connection: nothing is lost or overtaken, but what is lost on the way comes a
retransmission later, and everything after it waits for it. Sound that was lost before it came to
the WebSocket (a gateway's RTP) is missing for good; whoever sends leaves it out (`Network.misses`).
"""

from __future__ import annotations

import random
from bisect import bisect_right
from dataclasses import dataclass

__all__ = ["Network", "Way"]

RETRANSMIT_S = 0.2
"""Linux' least retransmission timeout (TCP_RTO_MIN)."""

NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Network:
    """How it is between a caller and the server. Stalls (from, for) and the moment it vanishes
    are seconds after the call's start."""

    delay_s: float = 0.02
    jitter_s: float = 0.0
    """Mean of an exponential delay on top."""
    loss: float = 0.0
    """Share of messages that are sent twice."""
    missing: float = 0.0
    """Share of the caller's frames that never come."""
    drift_ppm: float = 0.0
    """By how much the far end's clock is fast."""
    stalls: tuple[tuple[float, float], ...] = ()
    vanishes_s: float = NEVER


class Way:
    """One direction: `arrives` says when a message does, in order."""

    def __init__(self, network: Network, start: float, chance: random.Random) -> None:
        self._delay_s = network.delay_s
        self._rate = 1 / network.jitter_s if network.jitter_s else 0.0
        self._loss = network.loss
        self._chance = chance
        self._from = [start + at for at, _ in network.stalls]
        self._until = [start + at + lasts for at, lasts in network.stalls]
        self._vanishes = start + network.vanishes_s
        self._last = 0.0

    def arrives(self, sent: float) -> float:
        """When what is sent now will be there; `NEVER` if the connection is dead by then. Messages
        are given in the order in which they are sent."""
        at = sent + self._delay_s
        if self._rate:
            at += self._chance.expovariate(self._rate)
        if self._loss and self._chance.random() < self._loss:
            at += RETRANSMIT_S
        if self._from and (index := bisect_right(self._from, at)):
            at = max(at, self._until[index - 1])
        if at > self._vanishes:
            return NEVER
        self._last = at = max(at, self._last)
        return at
