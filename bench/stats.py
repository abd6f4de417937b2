"""Order statistics of what the benches measure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = ["Summary", "percentile"]


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile of an ascending, non-empty sequence.

    Nearest rank returns a value that was measured: with few samples the p99 is the worst one,
    where interpolation would flatter it.
    """
    if not ordered:
        raise ValueError("a percentile needs at least one value")
    rank = math.ceil(percent / 100.0 * len(ordered))
    return ordered[min(max(rank, 1), len(ordered)) - 1]


@dataclass(frozen=True, slots=True)
class Summary:
    """A distribution in the unit of its values; all NaN when ``count`` is 0."""

    count: int
    p50: float
    p95: float
    p99: float
    max: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Summary:
        """Summarise ``values``, in any order."""
        ordered = sorted(values)
        if not ordered:
            return cls(0, math.nan, math.nan, math.nan, math.nan)
        p50, p95, p99 = (percentile(ordered, percent) for percent in (50, 95, 99))
        return cls(len(ordered), p50, p95, p99, ordered[-1])

    def less(self, offset: float) -> Summary:
        """The same distribution with ``offset`` taken off every value."""
        return Summary(
            self.count, self.p50 - offset, self.p95 - offset, self.p99 - offset, self.max - offset
        )

    def as_json(self) -> dict[str, float | int | None]:
        """Rounded to 3 decimals; NaN, which JSON lacks, is None."""

        def number(value: float) -> float | None:
            return None if math.isnan(value) else round(value, 3)

        return {
            "count": self.count,
            "p50": number(self.p50),
            "p95": number(self.p95),
            "p99": number(self.p99),
            "max": number(self.max),
        }
