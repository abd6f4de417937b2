import numpy as np

from telephony.g711 import mulaw


def test_mulaw_is_that_of_g711() -> None:
    levels = np.array([0, 8, 1000, 32767, -8, -1000, -32768], np.int16)
    # ITU-T G.711, table 2a, at 16 bits: values of the decoder next to each level.
    assert mulaw(levels).tolist() == [0, 8, 988, 32124, -8, -988, -32124]


def test_mulaw_errs_by_a_32nd_at_most() -> None:
    levels = np.arange(-32000, 32000, 7).astype(np.int16)
    error = np.abs(mulaw(levels).astype(int) - levels.astype(int))
    assert (error <= np.abs(levels.astype(int)) / 32 + 8).all()
