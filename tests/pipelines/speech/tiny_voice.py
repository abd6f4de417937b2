"""A Piper voice of half a kilobyte: each phoneme is a tone of 256 samples.

Its network is written here field by field (onnx.proto3, protocol buffers), so that no test needs
the package onnx.
"""

from __future__ import annotations

import json
import struct
from pathlib import Path

__all__ = ["RATE_HZ", "SAMPLES", "write_voice"]

RATE_HZ = 22050
SAMPLES = 256
"""Per phoneme."""

_FLOAT, _INT64 = 1, 7  # TensorProto.DataType


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(data)) + data


def _node(kind: str, inputs: list[str], output: str, attribute: bytes = b"") -> bytes:
    body = b"".join(_bytes(1, name) for name in inputs) + _bytes(2, output) + _bytes(4, kind)
    return _bytes(1, body + attribute)


def _tensor(name: str, kind: int, shape: list[int], data: bytes) -> bytes:
    dimensions = b"".join(_number(1, size) for size in shape)
    return _bytes(5, dimensions + _number(2, kind) + _bytes(8, name) + _bytes(9, data))


def _value(field: int, name: str, kind: int, dimensions: list[str]) -> bytes:
    shape = b"".join(_bytes(1, _bytes(2, dimension)) for dimension in dimensions)
    tensor = _number(1, kind) + _bytes(2, shape)
    return _bytes(field, _bytes(1, name) + _bytes(2, _bytes(1, tensor)))


def _network() -> bytes:
    to_float = _bytes(5, _bytes(1, "to") + _number(3, _FLOAT) + _number(20, 2))
    ramp = struct.pack(f"<{SAMPLES}f", *(0.002 * n for n in range(SAMPLES)))
    graph = (
        _node("Cast", ["input"], "ids", to_float)
        + _node("Reshape", ["ids", "column"], "rows")
        + _node("Mul", ["rows", "ramp"], "phases")
        + _node("Sin", ["phases"], "waves")
        + _node("Reshape", ["waves", "flat"], "output")
        + _bytes(2, "tiny")
        + _tensor("column", _INT64, [2], struct.pack("<2q", -1, 1))
        + _tensor("ramp", _FLOAT, [1, SAMPLES], ramp)
        + _tensor("flat", _INT64, [4], struct.pack("<4q", 1, 1, 1, -1))
        + _value(11, "input", _INT64, ["batch", "phonemes"])
        + _value(11, "input_lengths", _INT64, ["batch"])
        + _value(11, "scales", _FLOAT, ["three"])
        + _value(12, "output", _FLOAT, ["batch", "one", "mono", "time"])
    )
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, "") + _number(2, 13))


def write_voice(folder: Path) -> Path:
    """Write the voice into `folder`; its network is returned."""
    network = folder / "tiny.onnx"
    network.write_bytes(_network())
    description = {
        "num_symbols": 256,
        "num_speakers": 1,
        "audio": {"sample_rate": RATE_HZ},
        "espeak": {"voice": "fr"},
        "phoneme_id_map": {},
    }
    (folder / "tiny.onnx.json").write_text(json.dumps(description))
    return network
