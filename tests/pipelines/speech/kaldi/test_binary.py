import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pipelines.speech.kaldi.binary import (
    Precision,
    double,
    integer,
    integer_vector,
    matrix,
    real,
    token,
    vector,
)
from tests.pipelines.speech.kaldi.readers import Bytes, read_matrix

MATRICES = arrays(
    np.float32,
    array_shapes(min_dims=2, max_dims=2, max_side=6),
    elements=st.floats(-100, 100, width=32),
)


def test_words_and_numbers() -> None:
    assert token("<Nnet3>") == b"<Nnet3> "
    assert integer(-1) == b"\x04\xff\xff\xff\xff"
    assert real(0.5) == b"\x04\x00\x00\x00\x3f"
    assert double(1.0) == b"\x08\x00\x00\x00\x00\x00\x00\xf0\x3f"


def test_vectors() -> None:
    assert integer_vector([1, 2]) == b"\x04\x02\0\0\0\x01\0\0\0\x02\0\0\0"
    assert vector(np.zeros(0, np.float32)) == b"FV \x04\0\0\0\0"
    assert vector(np.array([0.5], np.float32)) == b"FV \x04\x01\0\0\0\x00\x00\x00\x3f"


@given(MATRICES, st.sampled_from(Precision))
def test_a_matrix_is_read_back(values: np.ndarray, precision: Precision) -> None:
    data = Bytes(matrix(values, precision))
    found = read_matrix(data)
    assert data.done
    steps = {Precision.FLOAT: np.inf, Precision.TWO_BYTES: 65535, Precision.ONE_BYTE: 255}
    step = (float(values.max()) - float(values.min())) / steps[precision]
    assert np.abs(found - values).max() <= step / 2 + 1e-4


@pytest.mark.parametrize("precision", [Precision.ONE_BYTE, Precision.TWO_BYTES])
def test_a_matrix_of_one_value(precision: Precision) -> None:
    values = np.full((2, 3), 0.25, np.float32)
    assert read_matrix(Bytes(matrix(values, precision))) == pytest.approx(values)


def test_doubles_stay_doubles() -> None:
    values = np.array([[1e-12, 1e12]])
    assert read_matrix(Bytes(matrix(values))).tolist() == values.tolist()
