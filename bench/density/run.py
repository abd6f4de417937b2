"""A run: its rows in order, or a search for each server's capacity, within the time given."""

from __future__ import annotations

import dataclasses
import time
from typing import TYPE_CHECKING

from bench.density.client import CYCLE_S
from bench.density.row import Bench, Row, measure_row
from bench.density.search import CapacitySearch
from bench.density.servers import SERVERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = ["row_s", "run_rows", "run_search"]

#: Calls that one client process can drive; beyond it, rows measure the client.
CLIENT_LIMIT = 1_000
#: What starting and ending a server adds to a row.
_ROUND_S = 5.0


def row_s(bench: Bench) -> float:
    """About how long one row takes, in s: ramp, warm-up, window, the last replies."""
    return (2.6 + bench.cycles) * CYCLE_S + _ROUND_S


async def run_rows(
    bench: Bench,
    calls: Mapping[str, Sequence[int]],
    *,
    budget_s: float,
    told: Callable[[Row], None],
) -> None:
    """Measure every row; disturbed ones again only while ``budget_s`` has room for it.

    Cancelling it ends the server that runs.
    """
    plan = [(name, count) for name, counts in calls.items() for count in counts]
    start_s = time.monotonic()
    for index, (name, count) in enumerate(plan):
        spare_s = budget_s - (time.monotonic() - start_s) - row_s(bench) * (len(plan) - index)
        attempts = 1 + max(0, min(bench.attempts - 1, int(spare_s / row_s(bench))))
        row = await measure_row(dataclasses.replace(bench, attempts=attempts), SERVERS[name], count)
        told(row)


async def run_search(
    bench: Bench,
    starts: Mapping[str, int],
    *,
    rows: int,
    told: Callable[[Row], None],
) -> None:
    """Bracket each server's capacity with at most ``rows`` rows a server.

    Cancelling it ends the server that runs.
    """
    for name, start in starts.items():
        search = CapacitySearch(start, rows=rows, limit=CLIENT_LIMIT)
        while (calls := search.next()) is not None:
            row = await measure_row(bench, SERVERS[name], calls)
            told(row)
            if row.valid and (row.sustained or not row.noise.polluted):
                search.report(calls, sustained=row.sustained)
            elif row.noise.polluted:
                search.waste()
            else:
                search.stop()
