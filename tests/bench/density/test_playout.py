import pytest

from bench.density.playout import Playout

MS = 32


def test_a_mark_is_reached_when_what_precedes_it_has_played() -> None:
    playout = Playout()
    playout.sound(1.0, 100 * MS)
    playout.mark(1.0, "a")
    playout.sound(1.0, 100 * MS)
    playout.mark(1.0, "b")
    assert playout.reached(1.05) == []
    assert playout.reached(1.11) == ["a"]
    assert playout.reached(1.11) == []
    assert playout.reached(1.3) == ["b"]


def test_a_mark_without_sound_is_reached_at_once() -> None:
    playout = Playout()
    playout.mark(2.0, "a")
    assert playout.reached(2.0) == ["a"]


def test_sound_after_a_gap_plays_when_it_comes() -> None:
    playout = Playout()
    playout.sound(1.0, 20 * MS)
    playout.sound(5.0, 20 * MS)
    assert playout.played_ms(5.01) == pytest.approx(30.0)


def test_a_pause_holds_sound_and_marks() -> None:
    playout = Playout()
    playout.sound(1.0, 200 * MS)
    playout.mark(1.0, "a")
    assert playout.pause(1.05) == pytest.approx(50.0)
    assert playout.pause(1.5) == pytest.approx(50.0)
    playout.sound(1.5, 100 * MS)
    assert playout.reached(9.0) == []
    playout.resume(2.05)
    assert playout.reached(2.19) == []
    assert playout.reached(2.21) == ["a"]
    assert playout.played_ms(2.31) == pytest.approx(300.0)


def test_a_clear_forgets_sound_and_marks() -> None:
    playout = Playout()
    playout.turn()
    playout.sound(1.0, 200 * MS)
    playout.mark(1.0, "a")
    playout.pause(1.05)
    assert playout.clear(1.4) == pytest.approx(50.0)
    assert playout.reached(9.0) == []
    playout.turn()
    playout.sound(10.0, 20 * MS)
    assert playout.played_ms(10.02) == pytest.approx(20.0)


def test_a_resume_without_a_pause_does_nothing() -> None:
    playout = Playout()
    playout.resume(1.0)
    assert playout.played_ms(1.0) == 0.0
