"""Packets come in order, and nothing waits that need not."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from telephony.webrtc.reorder import MOST_WAITING, PATIENCE_S, Reorder


def push(reorder: Reorder[int], *sequences: int, start: float = 0.0) -> list[list[int | None]]:
    """What each of the packets, 20 ms apart, brings; a packet is its own number."""
    return [
        list(reorder.push(sequence & 0xFFFF, sequence, start + index * 0.02))
        for index, sequence in enumerate(sequences)
    ]


def test_what_comes_in_order_does_not_wait() -> None:
    assert push(Reorder(), 65534, 65535, 65536, 65537) == [[65534], [65535], [65536], [65537]]


def test_two_that_are_exchanged_are_put_right() -> None:
    reorder: Reorder[int] = Reorder()
    assert push(reorder, 1, 3, 2, 4) == [[1], [], [2, 3], [4]]
    assert (reorder.lost, reorder.late) == (0, 0)


def test_a_lost_one_is_told_once_three_others_wait() -> None:
    reorder: Reorder[int] = Reorder()
    assert push(reorder, 1, 3, 4, 5, 6) == [[1], [], [], [None, 3, 4, 5], [6]]
    assert reorder.lost == 1


def test_or_once_they_have_waited_long_enough() -> None:
    reorder: Reorder[int] = Reorder()
    push(reorder, 1, 3)
    assert reorder.push(4, 4, 0.02 + PATIENCE_S + 0.001) == [None, 3, 4]


def test_several_may_be_lost_in_a_row() -> None:
    assert push(Reorder(), 1, 5, 6, 7)[-1] == [None, None, None, 5, 6, 7]


def test_what_comes_too_late_or_twice_is_dropped() -> None:
    reorder: Reorder[int] = Reorder()
    assert push(reorder, 1, 3, 3, 4, 5, 2, 5, 6)[3:] == [[], [None, 3, 4, 5], [], [], [6]]
    assert (reorder.lost, reorder.late) == (1, 3)


def test_a_sender_that_begins_anew_is_followed_and_nothing_is_left_behind() -> None:
    reorder: Reorder[int] = Reorder()
    assert push(reorder, 1, 3, 30000, 30001) == [[1], [], [3, 30000], [30001]]
    assert push(reorder, 50, start=1.0) == [[50]]
    assert reorder.lost == 0


@given(st.integers(0, 0xFFFF), st.integers(0, 2**32), st.floats(0, 0.3))
def test_each_packet_comes_once_and_in_order(first: int, seed: int, loss: float) -> None:
    """Whatever a network does that exchanges neighbours, loses and repeats."""
    rng = random.Random(seed)
    numbers = [first + index for index in range(60) if rng.random() >= loss or index == 0]
    for index in range(1, len(numbers) - 1):
        if rng.random() < 0.2:
            numbers[index], numbers[index + 1] = numbers[index + 1], numbers[index]
    sent = [number for number in numbers for _ in range(1 + (rng.random() < 0.1))]
    reorder: Reorder[int] = Reorder()
    out = [one for brought in push(reorder, *sent) for one in brought]
    told = [one for one in out if one is not None]
    assert told == sorted(set(told))
    assert out.count(None) == reorder.lost
    assert len(out) >= max(told) - first - MOST_WAITING
