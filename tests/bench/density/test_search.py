import pytest

from bench.density.search import CapacitySearch, nice


def capacity(
    true: int, start: int, *, rows: int = 8, limit: int = 1000
) -> tuple[CapacitySearch, list[int]]:
    search = CapacitySearch(start, rows=rows, limit=limit)
    measured = []
    while (calls := search.next()) is not None:
        measured.append(calls)
        search.report(calls, sustained=calls <= true)
    return search, measured


@pytest.mark.parametrize(("true", "start"), [(47, 40), (47, 10), (47, 200), (530, 500), (3, 40)])
def test_the_bracket_holds_the_truth_and_is_narrow(true: int, start: int) -> None:
    search, measured = capacity(true, start)
    assert search.sustained <= true
    assert search.failed is not None
    assert true < search.failed <= max(search.sustained * 1.2, search.sustained + 2)
    assert len(set(measured)) == len(measured) <= 8


def test_rows_are_bounded() -> None:
    search, measured = capacity(700, 10, rows=3)
    assert len(measured) == 3
    assert search.sustained == measured[-1]
    assert search.failed is None


def test_it_does_not_go_beyond_what_the_client_drives() -> None:
    search, measured = capacity(10_000, 500)
    assert measured[-1] == search.sustained == 1000
    assert search.failed is None


def test_a_client_that_cannot_keep_up_ends_it() -> None:
    search = CapacitySearch(500, rows=6, limit=1000)
    search.report(500, sustained=True)
    search.stop()
    assert search.next() is None


def test_a_disturbed_row_is_measured_again_while_rows_are_left() -> None:
    search = CapacitySearch(40, rows=2, limit=1000)
    assert search.next() == 40
    search.waste()
    assert search.next() == 40
    search.waste()
    assert search.next() is None


def test_a_server_that_carries_nothing_ends_it() -> None:
    search, measured = capacity(0, 2)
    assert search.sustained == 0
    assert measured == [2, 1]


def test_steps_worth_naming() -> None:
    assert [nice(calls) for calls in (0.4, 17.3, 47, 312)] == [1, 17, 45, 300]
