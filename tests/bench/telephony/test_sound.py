import numpy as np

from bench.telephony.sound import FRAME, Heard, first_sound, last_sound, replies


def _piece(at: float, first: int | None = 0, *, broken: bool = False) -> Heard:
    samples = np.full(FRAME, 20, np.int16)
    if first is not None:
        samples[first:] = -3000
    return Heard(at, samples, broken)


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
    second = [_piece(1.3), _piece(1.345, broken=True), _piece(1.35)]
    found = replies([*first, *noise, *second])
    assert [(one.pieces, one.gaps) for one in found] == [(5, 0), (3, 1)]
    assert abs(found[0].late_ms) < 1e-6
    assert abs(found[1].late_ms - 25.0) < 1e-6
    assert (found[1].begun, found[1].ended) == (1.3, 1.35)


def test_the_marker_of_a_replys_beginning_is_no_gap() -> None:
    [reply] = replies([_piece(1.0, broken=True), _piece(1.02)])
    assert reply.gaps == 0


def test_what_a_resampler_kept_of_a_reply_is_none() -> None:
    ended = [_piece(1.0), _piece(1.02)]
    late = _piece(1.2)
    late.samples[40:] = 20  # 5 ms of it
    [reply] = replies([*ended, late])
    assert (reply.pieces, reply.ended) == (2, 1.02)
