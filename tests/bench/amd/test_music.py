import numpy as np
import pytest

from bench.amd.music import music


def test_a_piece_is_as_long_as_asked_and_of_level_one() -> None:
    piece = music(3.0, np.random.default_rng(1))
    assert piece.size == 48000
    assert float(np.sqrt(np.mean(piece**2))) == pytest.approx(1.0)


def test_pieces_go_by_chance_and_come_again() -> None:
    one, same, other = (music(1.0, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)
