"""Kaldi's binary notation: tokens, numbers, vectors and matrices (kaldi-io and matrix formats)."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from enum import Enum

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Precision",
    "double",
    "integer",
    "integer_vector",
    "matrix",
    "real",
    "token",
    "vector",
]


class Precision(Enum):
    """How a matrix is stored; the value is its token. Compressed values are steps of the whole
    matrix's range."""

    FLOAT = "FM"
    TWO_BYTES = "CM2"
    ONE_BYTE = "CM3"


def token(text: str) -> bytes:
    """A word and the space after it."""
    return text.encode("ascii") + b" "


def integer(value: int) -> bytes:
    """An int32, after its size in bytes."""
    return struct.pack("<bi", 4, value)


def real(value: float) -> bytes:
    """A float32, after its size in bytes."""
    return struct.pack("<bf", 4, value)


def double(value: float) -> bytes:
    """A float64, after its size in bytes."""
    return struct.pack("<bd", 8, value)


def integer_vector(values: Iterable[int]) -> bytes:
    """A `std::vector<int32>`: the size of an entry, how many, entries."""
    array = np.fromiter(values, "<i4")
    return struct.pack("<bi", 4, len(array)) + array.tobytes()


def vector(values: NDArray[np.float32]) -> bytes:
    """`values` of shape [n], as float32."""
    return token("FV") + integer(len(values)) + values.astype("<f4").tobytes()


def matrix(
    values: NDArray[np.float32] | NDArray[np.float64], precision: Precision = Precision.FLOAT
) -> bytes:
    """`values` of shape [rows, columns]; float64 is stored as such where `precision` is FLOAT."""
    rows, columns = values.shape
    if precision is Precision.FLOAT:
        wide = values.dtype == np.float64
        head = token("DM" if wide else "FM") + integer(rows) + integer(columns)
        return head + values.astype("<f8" if wide else "<f4").tobytes()
    steps = 65535 if precision is Precision.TWO_BYTES else 255
    least, most = float(values.min()), float(values.max())
    span = most - least or 1.0  # a constant matrix has a range all the same
    codes = np.rint((values.astype(np.float64) - least) * (steps / span))
    head = token(precision.value) + struct.pack("<ffii", least, span, rows, columns)
    return head + codes.astype("<u2" if precision is Precision.TWO_BYTES else "u1").tobytes()
