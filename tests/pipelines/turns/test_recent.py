"""The last moments of sound."""

from __future__ import annotations

import pytest

from pipelines.turns.recent import FRAME_BYTES, Recent


def _frame(value: int) -> bytes:
    return bytes([value]) * FRAME_BYTES


def test_the_oldest_gives_way() -> None:
    recent = Recent(3)
    for n in range(5):
        recent.add(_frame(n), n * 0.02)
    assert len(recent) == 3
    assert [sound[0] for _, sound in recent.backwards()] == [4, 3, 2]
    assert [when for when, _ in recent.backwards()] == pytest.approx([0.08, 0.06, 0.04])


def test_what_began_since_a_moment_oldest_first() -> None:
    recent = Recent(5)
    for n in range(4):
        recent.add(_frame(n), n * 0.02)
    assert [sound[0] for _, sound in recent.since(0.02)] == [1, 2, 3]
    assert [sound[0] for _, sound in recent.since(float("-inf"))] == [0, 1, 2, 3]
    assert [sound[0] for _, sound in recent.since(9.0)] == [3]


def test_what_lies_before_a_gap_is_forgotten() -> None:
    recent = Recent(5)
    recent.add(_frame(1), 0.0)
    recent.add(_frame(2), 1.0)
    assert [sound[0] for _, sound in recent.backwards()] == [2]
    recent.clear()
    assert list(recent.backwards()) == []
    assert recent.since(0.0) == []
