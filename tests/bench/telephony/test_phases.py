import dataclasses

import numpy as np
import pytest

from bench.errors import BenchError
from bench.telephony.caller import Caller, Said
from bench.telephony.phases import _cleared, waits_ms
from bench.telephony.sound import FRAME, Heard

WORDS = Said(np.ones(FRAME, np.int16), 0, FRAME - 1)
CLEAR = ("PAUSE_MEDIA", "GET_STATUS", "FLUSH_MEDIA", "CONTINUE_MEDIA")
HOLD = [(10.05, "PAUSE_MEDIA"), (10.05, "GET_STATUS")]


def _heard(*pieces: tuple[float, int]) -> Caller:
    """A caller who has heard `loud` samples at each time."""
    caller = Caller(WORDS)
    for at, loud in pieces:
        samples = np.zeros(FRAME, np.int16)
        samples[:loud] = 3000
        caller.hear(Heard(at, samples, at))
    return caller


def test_an_interruption_is_measured_from_the_callers_first_sound() -> None:
    caller = _heard((10.0, FRAME), (10.06, FRAME), (10.82, 40), (11.9, FRAME))
    seen = [*HOLD, *((10.8, name) for name in CLEAR)]
    # What comes after he has finished is of the next turn.
    cleared = _cleared(caller, 10.0, 11.0, seen)
    assert cleared is not None
    assert dataclasses.astuple(cleared) == pytest.approx((60.0, 800.0, 0, 5.0))


def test_packets_of_the_old_turn_are_counted_until_the_next_one_begins() -> None:
    caller = _heard((10.0, FRAME), (10.82, FRAME), (10.84, FRAME), (10.92, FRAME))
    seen = [*HOLD, *((10.8, name) for name in CLEAR), (10.9, "FLUSH_MEDIA"), (10.9, "MARK_MEDIA")]
    cleared = _cleared(caller, 9.9, 11.0, seen)
    assert cleared is not None
    assert cleared.after == 2


def test_what_was_not_taken_for_an_interruption_is_left_out() -> None:
    caller = _heard((10.0, FRAME))
    assert _cleared(caller, 10.0, 11.0, [*HOLD, (10.3, "CONTINUE_MEDIA")]) is None
    assert _cleared(caller, 10.0, 11.0, [*HOLD, *((11.2, name) for name in CLEAR)]) is None
    with pytest.raises(BenchError):
        _cleared(_heard(), 10.0, 11.0, [*HOLD, *((10.8, name) for name in CLEAR)])


def test_waits_are_from_his_last_sound_to_the_engines_first() -> None:
    caller = _heard((9.0, FRAME), (10.3, FRAME), (10.32, FRAME), (20.25, FRAME))
    caller.spoken = [(9.1, 10.0), (19.0, 20.0), (29.0, 30.0)]
    assert waits_ms(caller, 3) == pytest.approx([300.0, 250.0])
    assert waits_ms(caller, 1) == pytest.approx([300.0])
