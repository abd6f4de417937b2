"""Both sides of a call on one timeline."""

from __future__ import annotations

import numpy as np
import pytest

from engine.frames import Audio
from pipelines.audio.tape import StereoTape

RATE_HZ = 8000
MS = RATE_HZ // 1000


def pcm(value: int, ms: int) -> bytes:
    return np.full(ms * MS, value, "<i2").tobytes()


def sides(tape: StereoTape, until: float) -> tuple[list[int], list[int]]:
    """The value in the middle of each 10 ms, left and right."""
    both = np.frombuffer(tape.take(until), "<i2").reshape(-1, 2)
    return both[40::80, 0].tolist(), both[40::80, 1].tolist()


@pytest.fixture
def tape() -> StereoTape:
    return StereoTape(RATE_HZ, 100.0)


def test_what_is_heard_stands_where_it_was_said(tape: StereoTape) -> None:
    tape.heard(Audio(pcm(1, 20), RATE_HZ, 100.01))
    tape.heard(Audio(pcm(2, 20), RATE_HZ, 100.05))
    assert sides(tape, 100.08) == ([0, 1, 1, 0, 0, 2, 2, 0], [0] * 8)


def test_what_came_before_the_beginning_is_not_recorded(tape: StereoTape) -> None:
    tape.heard(Audio(pcm(1, 20), RATE_HZ, 99.99))
    tape.heard(Audio(pcm(2, 20), RATE_HZ, 99.0))
    assert sides(tape, 100.03) == ([1, 0, 0], [0, 0, 0])


def test_what_is_sent_ahead_is_played_one_after_the_other(tape: StereoTape) -> None:
    tape.played(pcm(1, 20), 100.0)
    tape.played(pcm(2, 20), 100.0)
    tape.played(pcm(3, 10), 100.06)
    assert sides(tape, 100.07)[1] == [1, 1, 2, 2, 0, 0, 3]


def test_a_pause_holds_what_was_not_played(tape: StereoTape) -> None:
    tape.played(pcm(1, 40), 100.0)
    tape.paused(100.02)
    tape.paused(100.03)
    tape.played(pcm(2, 10), 100.03)
    tape.resumed(100.05)
    tape.resumed(100.05)
    assert sides(tape, 100.09)[1] == [1, 1, 0, 0, 0, 1, 1, 2, 0]


def test_what_is_cleared_was_never_heard(tape: StereoTape) -> None:
    tape.played(pcm(1, 40), 100.0)
    tape.cleared(100.01)
    tape.played(pcm(2, 10), 100.02)
    tape.paused(100.03)
    tape.cleared(100.03)
    tape.played(pcm(3, 10), 100.04)
    assert sides(tape, 100.06)[1] == [1, 0, 2, 0, 3, 0]


def test_it_is_taken_in_pieces_and_what_is_late_is_cut(tape: StereoTape) -> None:
    tape.heard(Audio(pcm(1, 20), RATE_HZ, 100.0))
    tape.played(pcm(2, 40), 100.0)
    assert sides(tape, 100.02) == ([1, 1], [2, 2])
    assert sides(tape, 100.02) == ([], [])
    tape.heard(Audio(pcm(3, 20), RATE_HZ, 100.01))
    assert sides(tape, 100.05) == ([3, 0, 0], [2, 2, 0])
