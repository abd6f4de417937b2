"""OpenFst's binary files (1.8): a constant FST of tropical weights, and one that looks ahead.

Layouts from OpenFst's fst.cc (header), const-fst.h, add-on.h, matcher-fst.h, label-reachable.h and
interval-set.h. Everything is little-endian.
"""

from __future__ import annotations

import math
import struct
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

__all__ = ["EPSILON", "NOT_FINAL", "Arc", "Fst", "Interval", "const_fst", "lookahead_fst"]

EPSILON = 0
NOT_FINAL = math.inf

Arc = tuple[int, int, float, int]
"""Input label, output label, weight (minus ln of the probability), next state."""

Interval = tuple[int, int]
"""Labels from the first up to, without, the second."""

_STATE = np.dtype(
    [("final", "<f4"), ("first", "<u4"), ("arcs", "<u4"), ("in", "<u4"), ("out", "<u4")]
)
_ARC = np.dtype([("in", "<i4"), ("out", "<i4"), ("weight", "<f4"), ("next", "<i4")])

_MAGIC = 2125659606  # kFstMagicNumber
_ADD_ON_MAGIC = 446681434  # kAddOnMagicNumber

# properties.h: what is true of an FST, and what is false. Neither means that it is not known.
_EXPANDED = 1 << 0
_ACCEPTOR, _NOT_ACCEPTOR = 1 << 16, 1 << 17
_INPUT_DETERMINISTIC, _NOT_INPUT_DETERMINISTIC = 1 << 18, 1 << 19
_OUTPUT_DETERMINISTIC, _NOT_OUTPUT_DETERMINISTIC = 1 << 20, 1 << 21
_EPSILONS, _NO_EPSILONS = 1 << 22, 1 << 23
_INPUT_EPSILONS, _NO_INPUT_EPSILONS = 1 << 24, 1 << 25
_OUTPUT_EPSILONS, _NO_OUTPUT_EPSILONS = 1 << 26, 1 << 27
_INPUT_SORTED, _NOT_INPUT_SORTED = 1 << 28, 1 << 29
_OUTPUT_SORTED, _NOT_OUTPUT_SORTED = 1 << 30, 1 << 31
_WEIGHTED, _UNWEIGHTED = 1 << 32, 1 << 33


@dataclass
class Fst:
    """States by number from 0; each has its arcs and the weight of ending there."""

    start: int = 0
    arcs: list[list[Arc]] = field(default_factory=list)
    finals: list[float] = field(default_factory=list)

    def state(self, final: float = NOT_FINAL) -> int:
        """A new state."""
        self.arcs.append([])
        self.finals.append(final)
        return len(self.arcs) - 1

    def arc(
        self, source: int, target: int, label: int, output: int = EPSILON, weight: float = 0.0
    ) -> None:
        self.arcs[source].append((label, output, weight, target))

    def sort_by_output(self) -> None:
        """As composition wants the arcs of its left side."""
        for arcs in self.arcs:
            arcs.sort(key=lambda arc: (arc[1], arc[0]))

    def sort_by_input(self) -> None:
        """As composition wants the arcs of its right side."""
        for arcs in self.arcs:
            arcs.sort()


def const_fst(fst: Fst) -> bytes:
    """`fst` as a ``const`` FST of ``standard`` arcs, unaligned."""
    states = np.zeros(len(fst.arcs), _STATE)
    states["final"] = fst.finals
    counts = np.array([len(arcs) for arcs in fst.arcs], np.int64)
    states["arcs"] = counts
    states["first"] = np.cumsum(counts) - counts
    arcs = np.array([arc for arcs in fst.arcs for arc in arcs], _ARC)
    owners = np.repeat(np.arange(len(states)), counts)
    for side in ("in", "out"):
        states[side] = np.bincount(owners[arcs[side] == EPSILON], minlength=len(states))
    head = _header("const", 2, _properties(fst), fst.start, len(states), len(arcs))
    return head + states.tobytes() + arcs.tobytes()


def lookahead_fst(fst: Fst, reachable: Sequence[Iterable[Interval]], final_label: int) -> bytes:
    """`fst` as an ``olabel_lookahead`` FST: composition asks it which words a state can still give.

    `reachable` has for each state the output labels (1 and up) that can be its next, as disjoint
    intervals in ascending order. `final_label`, which no arc has, is among them where a final state
    can be reached without any. The arcs are sorted by output.
    """
    head = _header("olabel_lookahead", 1, _properties(fst), -1, 0, 0)
    # One add-on for each side of matching: none for input, this one for output. It says: reach by
    # output labels, no relabelling kept (the labels are already what they must be).
    parts = [head, struct.pack("<i", _ADD_ON_MAGIC), const_fst(fst)]
    parts.append(
        struct.pack("<?????iq", True, False, True, False, False, final_label, len(reachable))
    )
    for intervals in map(list, reachable):
        members = sum(end - begin for begin, end in intervals)
        flat = [bound for interval in intervals for bound in interval]
        parts.append(struct.pack(f"<q{len(flat)}ii", len(intervals), *flat, members))
    return b"".join(parts)


def _header(kind: str, version: int, properties: int, start: int, states: int, arcs: int) -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<i", len(value)) + value.encode("ascii")

    return (
        struct.pack("<i", _MAGIC)
        + text(kind)
        + text("standard")
        + struct.pack("<iiQqqq", version, 0, properties, start, states, arcs)
    )


def _properties(fst: Fst) -> int:
    """What composition would otherwise look for, arc by arc; the rest is not said."""
    every = [arc for arcs in fst.arcs for arc in arcs]

    def say(truth: bool, yes: int, no: int) -> int:
        return yes if truth else no

    weights = [arc[2] for arc in every] + [final for final in fst.finals if final != NOT_FINAL]
    return (
        _EXPANDED
        | say(all(arc[0] == arc[1] for arc in every), _ACCEPTOR, _NOT_ACCEPTOR)
        | say(any(arc[0] == arc[1] == EPSILON for arc in every), _EPSILONS, _NO_EPSILONS)
        | say(any(arc[0] == EPSILON for arc in every), _INPUT_EPSILONS, _NO_INPUT_EPSILONS)
        | say(any(arc[1] == EPSILON for arc in every), _OUTPUT_EPSILONS, _NO_OUTPUT_EPSILONS)
        | say(_sorted(fst, 0), _INPUT_SORTED, _NOT_INPUT_SORTED)
        | say(_sorted(fst, 1), _OUTPUT_SORTED, _NOT_OUTPUT_SORTED)
        | say(_distinct(fst, 0), _INPUT_DETERMINISTIC, _NOT_INPUT_DETERMINISTIC)
        | say(_distinct(fst, 1), _OUTPUT_DETERMINISTIC, _NOT_OUTPUT_DETERMINISTIC)
        | say(any(weights), _WEIGHTED, _UNWEIGHTED)
    )


def _sorted(fst: Fst, side: int) -> bool:
    return all(before[side] <= after[side] for arcs in fst.arcs for before, after in pairwise(arcs))


def _distinct(fst: Fst, side: int) -> bool:
    return all(
        max(Counter(arc[side] for arc in arcs).values(), default=0) <= 1 for arcs in fst.arcs
    )
