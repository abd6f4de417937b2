"""When each sample was taken, whatever the network did."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.timeline import BURST_S, Timeline

MS20 = 0.02


def test_steady_sound_is_stamped_by_its_arrival() -> None:
    timeline = Timeline()
    for n in range(100):
        at = timeline.stamp(MS20, 10.0 + n * MS20)
        assert at == pytest.approx(10.0 + (n - 1) * MS20)


def test_late_messages_keep_their_place() -> None:
    timeline = Timeline()
    for n in range(20):
        timeline.stamp(MS20, n * MS20)
    late = [timeline.stamp(MS20, 0.6) for _ in range(10)]  # 200 ms of sound at once
    assert late == pytest.approx([(19 + n) * MS20 for n in range(10)])


def test_a_pause_of_the_sender_moves_the_timeline_on() -> None:
    timeline = Timeline()
    for n in range(50):
        timeline.stamp(MS20, n * MS20)
    stamps = [timeline.stamp(MS20, 10.0 + n * MS20) for n in range(20)]
    assert stamps[-1] == pytest.approx(10.0 + 18 * MS20)


def test_a_sender_ahead_of_time_is_refused_and_catches_up() -> None:
    timeline = Timeline()
    taken = sum(timeline.stamp(0.1, 5.0) is not None for _ in range(50))
    assert taken == round(BURST_S / 0.1)
    assert timeline.stamp(0.1, 5.2) is not None


@given(st.lists(st.tuples(st.floats(0.0, 0.5), st.integers(1, 100)), min_size=1, max_size=80))
def test_stamps_never_run_backwards_nor_into_the_future(
    messages: list[tuple[float, int]],
) -> None:
    timeline = Timeline()
    now, last = 100.0, float("-inf")
    for gap_s, ms in messages:
        now += gap_s
        at = timeline.stamp(ms / 1000, now)
        if at is not None:
            assert last - 1e-6 <= at <= now
            last = at
