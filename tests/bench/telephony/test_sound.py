import numpy as np
import pytest

from bench.telephony.sound import FRAME, Heard, first_sound, last_sound, replies


def _piece(
    at: float, first: int | None = 0, *, sent_s: float | None = None, broken: bool = False
) -> Heard:
    samples = np.full(FRAME, 20, np.int16)
    if first is not None:
        samples[first:] = -3000
    return Heard(at, samples, at if sent_s is None else sent_s, broken)


def test_sound_is_found_to_the_sample() -> None:
    heard = [_piece(1.0), _piece(1.02, None), _piece(1.04, 80), _piece(1.06, None)]
    assert first_sound(heard, 1.0) == 1.04 + 0.01
    assert first_sound(heard, 1.04) is None
    assert last_sound(heard, 1.06) == 1.04
    assert last_sound(heard, 1.04) == 1.0
    assert last_sound(heard, 1.0) is None
    assert [piece.loud_ms() for piece in heard] == [20.0, 0.0, 10.0, 0.0]


def test_replies_are_told_apart_by_silence() -> None:
    first = [_piece(1.0 + 0.02 * n) for n in range(5)]
    noise = [_piece(1.1 + 0.02 * n, None) for n in range(10)]
    second = [_piece(1.3), _piece(1.345, sent_s=1.32, broken=True), _piece(1.35, sent_s=1.34)]
    found = replies([*first, *noise, *second])
    assert [one.gaps for one in found] == [0, 1]
    assert [one.lasts_s for one in found] == pytest.approx([0.1, 0.06])
    assert [one.late_ms for one in found] == pytest.approx([0.0, 25.0])
    assert (found[1].begun, found[1].ended) == (1.3, 1.35)


def test_a_reply_that_the_machine_withheld_is_one_and_late() -> None:
    """Its sender's clock ran on; nothing is missing."""
    stalled = [_piece(1.0), _piece(1.02), _piece(1.3, sent_s=1.04), _piece(1.3, sent_s=1.06)]
    [reply] = replies(stalled)
    assert (reply.gaps, reply.lasts_s, reply.late_ms) == pytest.approx((0, 0.08, 260.0))


def test_the_marker_of_a_replys_beginning_is_no_gap() -> None:
    [reply] = replies([_piece(1.0, broken=True), _piece(1.02)])
    assert reply.gaps == 0


def test_what_a_resampler_kept_of_a_reply_is_none() -> None:
    ended = [_piece(1.0), _piece(1.02)]
    late = _piece(1.2)
    late.samples[40:] = 20  # 5 ms of it
    [reply] = replies([*ended, late])
    assert (reply.lasts_s, reply.ended) == pytest.approx((0.04, 1.02))
