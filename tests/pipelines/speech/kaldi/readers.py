"""Small readers of what is written here, by the formats' own descriptions."""

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.speech.kaldi.fst import Fst, Interval


class Bytes:
    """What is left to read of some bytes."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, layout: str) -> tuple[Any, ...]:
        found = struct.unpack_from(layout, self._data, self._at)
        self._at += struct.calcsize(layout)
        return found

    def one(self, layout: str) -> Any:
        (found,) = self.take("<" + layout)
        return found

    def text(self) -> str:
        return bytes(self.one(f"{self.one('i')}s")).decode()

    def array(self, dtype: str, count: int) -> NDArray[Any]:
        found = np.frombuffer(self._data, dtype, count, self._at)
        self._at += found.nbytes
        return found

    def token(self) -> str:
        end = self._data.index(b" ", self._at)
        found = self._data[self._at : end].decode()
        self._at = end + 1
        return found

    @property
    def done(self) -> bool:
        return self._at == len(self._data)


@dataclass(frozen=True)
class Header:
    kind: str
    version: int
    properties: int
    start: int
    states: int
    arcs: int


def read_header(data: Bytes) -> Header:
    assert data.one("i") == 2125659606
    kind, arc = data.text(), data.text()
    version, flags = data.take("<ii")
    assert (arc, flags) == ("standard", 0)
    return Header(kind, version, *data.take("<Qqqq"))


def read_const(data: Bytes) -> tuple[Header, Fst]:
    header = read_header(data)
    states = [data.take("<fIIII") for _ in range(header.states)]
    arcs = [data.take("<iifi") for _ in range(header.arcs)]
    fst = Fst(header.start)
    for final, first, count, inputs, outputs in states:
        state = fst.state(final)
        fst.arcs[state] = arcs[first : first + count]
        assert inputs == sum(arc[0] == 0 for arc in fst.arcs[state])
        assert outputs == sum(arc[1] == 0 for arc in fst.arcs[state])
    return header, fst


def read_lookahead(data: Bytes) -> tuple[Header, Fst, list[list[Interval]], int]:
    outer = read_header(data)
    assert (outer.kind, outer.version, outer.start) == ("olabel_lookahead", 1, -1)
    assert data.one("i") == 446681434
    header, fst = read_const(data)
    assert header.properties == outer.properties
    # an add-on; none for input; one for output, which reaches by output and keeps no labels
    assert data.take("<?????") == (True, False, True, False, False)
    final_label, count = data.take("<iq")
    reachable = []
    for _ in range(count):
        intervals = [data.take("<ii") for _ in range(data.one("q"))]
        assert data.one("i") == sum(end - begin for begin, end in intervals)
        reachable.append([(begin, end) for begin, end in intervals])
    return header, fst, reachable, final_label


def read_matrix(data: Bytes) -> NDArray[np.float64]:
    match data.token():
        case "FM" | "DM" as kind:
            _, rows, _, columns = data.take("<bibi")
            size = {"FM": "<f4", "DM": "<f8"}[kind]
            return data.array(size, rows * columns).reshape(rows, columns).astype(np.float64)
        case "CM2" | "CM3" as kind:
            least, span, rows, columns = data.take("<ffii")
            dtype, steps = {"CM2": ("<u2", 65535), "CM3": ("u1", 255)}[kind]
            codes = data.array(dtype, rows * columns).reshape(rows, columns)
            return np.asarray(least + codes * (span / steps))
        case other:
            raise AssertionError(other)
