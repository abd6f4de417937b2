import math

import pytest

from bench.stats import Summary, percentile


def test_nearest_rank_returns_measured_values() -> None:
    values = [15.0, 20.0, 35.0, 40.0, 50.0]
    assert [percentile(values, p) for p in (5, 30, 40, 50, 100)] == [15, 20, 20, 35, 50]


def test_p99_of_few_values_is_the_worst() -> None:
    assert percentile([1.0] * 19 + [80.0], 99) == 80.0


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        percentile([], 50)


def test_summary_takes_any_order_and_says_how_many() -> None:
    summary = Summary.of(float(value) for value in range(100, 0, -1))
    assert summary == Summary(100, 50.0, 95.0, 99.0, 100.0)
    assert summary.less(50.0) == Summary(100, 0.0, 45.0, 49.0, 50.0)


def test_nothing_measured_is_null_in_json() -> None:
    summary = Summary.of([])
    assert math.isnan(summary.p99)
    assert summary.as_json() == {"count": 0, "p50": None, "p95": None, "p99": None, "max": None}
