"""The search for capacity: few rows, coarse to fine."""

from __future__ import annotations

__all__ = ["CapacitySearch", "nice"]

#: The bracket is fine enough when its ends are this close.
FINE = 1.1
COARSE = 1.6


def nice(calls: float) -> int:
    """Round to a number of calls worth naming: steps of 1 up to 20, 5 to 100, then 25."""
    step = 1 if calls <= 20 else 5 if calls <= 100 else 25
    return max(1, step * round(calls / step))


class CapacitySearch:
    """Which N to measure next, so that the largest sustained N is bracketed.

    Steps up or down by 1.6 until one row passes and one fails, then halves the bracket (in the
    geometric mean) until its ends lie within 10 %, or ``rows`` are spent.
    """

    def __init__(self, start: int, *, rows: int, limit: int) -> None:
        self.sustained = 0
        """The largest N that passed."""
        self.failed: int | None = None
        """The smallest N that did not."""
        self._start = nice(start)
        self._rows = rows
        self._limit = limit

    def next(self) -> int | None:
        """The next N, or None when there is nothing left to learn within the rows."""
        if self._rows <= 0:
            return None
        if self.failed is None:
            if not self.sustained:
                return min(self._start, self._limit)
            if self.sustained >= self._limit:
                return None
            return min(nice(self.sustained * COARSE), self._limit)
        if not self.sustained:
            calls = nice(self.failed / COARSE)
            return calls if calls < self.failed else None
        if self.failed <= self.sustained * FINE:
            return None
        calls = nice((self.sustained * self.failed) ** 0.5)
        return calls if self.sustained < calls < self.failed else None

    def report(self, calls: int, *, sustained: bool) -> None:
        """Take the outcome of a row."""
        self._rows -= 1
        if sustained:
            self.sustained = max(self.sustained, calls)
        else:
            self.failed = calls if self.failed is None else min(self.failed, calls)

    def waste(self) -> None:
        """A row was disturbed and proves nothing; the same N is next, if rows are left."""
        self._rows -= 1

    def stop(self) -> None:
        """End it: the client cannot drive more."""
        self._rows = 0
