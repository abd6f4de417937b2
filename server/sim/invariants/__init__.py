"""What must hold of every call, whoever calls and whatever fails. Each invariant is a small class
that watches what passes between the engine and the far end, and says when it was broken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server.sim.invariants.account import SaidIsPlayed, SpansAddUp
from server.sim.invariants.audible import NeverSilent, ResumeIsExact
from server.sim.invariants.ending import NoFaultOfOurs, NothingLeft
from server.sim.invariants.order import NothingAfterClear, StatesFollowTheTable, TurnsEnd
from server.sim.invariants.watch import Ended, Told, Violation, Watch

__all__ = ["ALL", "Ended", "Told", "Violation", "Watch"]

ALL: tuple[Callable[[Told], Any], ...] = (
    NothingAfterClear,
    StatesFollowTheTable,
    TurnsEnd,
    SpansAddUp,
    SaidIsPlayed,
    ResumeIsExact,
    NeverSilent,
    NothingLeft,
    NoFaultOfOurs,
)
