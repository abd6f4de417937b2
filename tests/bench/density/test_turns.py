import pytest

from bench.density.turns import BYTES_PER_MS, Replies, Reply, lateness_ms

FRAME = 20 * BYTES_PER_MS


def test_lateness_counts_from_the_first_sound() -> None:
    assert lateness_ms(10.0, 10.0, 0.0, 0.0) == 0.0
    assert lateness_ms(10.1, 10.0, 100.0, 0.0) == pytest.approx(0.0)
    assert lateness_ms(10.13, 10.0, 100.0, 0.0) == pytest.approx(30.0)
    assert lateness_ms(10.05, 10.0, 100.0, 0.0) == 0.0


def test_a_promised_lead_makes_sound_due_earlier_but_not_before_the_first() -> None:
    assert lateness_ms(10.05, 10.0, 100.0, 100.0) == pytest.approx(50.0)
    assert lateness_ms(10.0, 10.0, 40.0, 100.0) == 0.0


def hear(
    replies: Replies, reply: Reply, frames: int, *, start_s: float, lead_ms: float = 0
) -> None:
    for number in range(frames):
        replies.sound(reply, start_s + number * 0.02, FRAME, lead_ms)


def test_a_whole_reply_in_time() -> None:
    replies, reply = Replies(), Reply(5.0, counted=True)
    hear(replies, reply, 150, start_s=5.3)
    replies.close(reply)
    assert replies.counts(1) == {
        "expected": 1, "complete": 1, "short": 0, "missing": 0, "too_long": 0,
    }  # fmt: skip
    assert replies.response_ms == pytest.approx([300.0])
    assert max(replies.lateness_ms) == pytest.approx(0.0, abs=1e-6)
    assert replies.pace_lateness_ms == []


def test_a_lead_that_is_not_kept_shows_in_the_pace_alone() -> None:
    replies, reply = Replies(), Reply(5.0, counted=True)
    hear(replies, reply, 10, start_s=5.3, lead_ms=100.0)
    assert max(replies.lateness_ms) == pytest.approx(0.0, abs=1e-6)
    assert max(replies.pace_lateness_ms) == pytest.approx(100.0)


def test_short_double_and_missing_replies_are_told_apart() -> None:
    replies = Replies()
    for frames in (75, 149, 150, 155, 300, 0):
        reply = Reply(0.0, counted=True)
        hear(replies, reply, frames, start_s=0.3)
        replies.close(reply)
    assert replies.counts(7) == {
        "expected": 7, "complete": 3, "short": 1, "missing": 2, "too_long": 1,
    }  # fmt: skip


def test_turns_outside_the_window_are_not_counted() -> None:
    replies, reply = Replies(), Reply(0.0, counted=False)
    hear(replies, reply, 150, start_s=0.3)
    replies.close(reply)
    assert replies.counts(0)["complete"] == 0
    assert replies.lateness_ms == replies.response_ms == []
