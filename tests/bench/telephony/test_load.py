import numpy as np

from bench.telephony.caller import Caller, Said
from bench.telephony.load import undisturbed
from bench.telephony.sound import FRAME, Heard

WORDS = Said(np.ones(FRAME, np.int16), 0, FRAME - 1)


def _speaks(caller: Caller, at: float, pieces: int) -> None:
    for number in range(pieces):
        now = at + number * 0.02
        caller.hear(Heard(now, np.full(FRAME, 3000, np.int16), now))


def test_replies_that_he_spoke_over_or_hung_up_on_are_not_the_engines_doing() -> None:
    caller = Caller(WORDS)
    for at, pieces in ((1.0, 150), (5.0, 20), (6.0, 130), (10.0, 150), (14.0, 10)):
        _speaks(caller, at, pieces)
    # The second reply began while he spoke on; the engine held it, and went on.
    caller.spoken = [(4.2, 4.9), (5.3, 5.85), (9.0, 9.7)]
    assert [reply.begun for reply in undisturbed(caller)] == [1.0, 10.0]
    caller.spoken = []
    assert len(undisturbed(caller)) == 4
