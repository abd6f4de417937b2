import math

from hypothesis import given
from hypothesis import strategies as st

from pipelines.speech.kaldi.fst import NOT_FINAL, Fst, const_fst, lookahead_fst
from tests.pipelines.speech.kaldi.readers import Bytes, read_const, read_lookahead

WEIGHTS = st.floats(0, 100, width=32)


@st.composite
def fsts(draw: st.DrawFn) -> Fst:
    size = draw(st.integers(1, 5))
    state = st.integers(0, size - 1)
    arc = st.tuples(st.integers(0, 9), st.integers(0, 9), WEIGHTS, state)
    return Fst(
        draw(state),
        [draw(st.lists(arc, max_size=4)) for _ in range(size)],
        [draw(st.one_of(st.just(NOT_FINAL), WEIGHTS)) for _ in range(size)],
    )


@given(fsts())
def test_what_is_written_is_read(fst: Fst) -> None:
    data = Bytes(const_fst(fst))
    header, found = read_const(data)
    assert data.done
    assert found == fst
    assert (header.kind, header.version) == ("const", 2)


@given(fsts(), st.data())
def test_with_what_it_can_reach(fst: Fst, data: st.DataObject) -> None:
    fst.sort_by_output()
    bounds = st.lists(st.integers(1, 20), unique=True, max_size=6).map(sorted)
    reachable = [
        list(zip(chosen[::2], chosen[1::2], strict=False))
        for chosen in (data.draw(bounds) for _ in fst.arcs)
    ]
    written = Bytes(lookahead_fst(fst, reachable, 21))
    _, found, intervals, final_label = read_lookahead(written)
    assert written.done
    assert (found, intervals, final_label) == (fst, reachable, 21)


def bits(fst: Fst) -> dict[str, bool | None]:
    """Some of properties.h: true, false or not said."""
    header, _ = read_const(Bytes(const_fst(fst)))
    places = {"acceptor": 16, "input epsilons": 24, "input sorted": 28, "output sorted": 30}
    said = {}
    for name, bit in places.items():
        yes, no = header.properties >> bit & 1, header.properties >> bit + 1 & 1
        said[name] = None if yes == no else bool(yes)
    return said


def test_properties_say_what_is_so() -> None:
    fst = Fst()
    first, second = fst.state(), fst.state(final=0.5)
    fst.arc(first, second, 3, 1)
    fst.arc(first, first, 2, 2, math.log(2))
    assert bits(fst) == {
        "acceptor": False,
        "input epsilons": False,
        "input sorted": False,
        "output sorted": True,
    }
    fst.sort_by_input()
    assert (bits(fst)["input sorted"], bits(fst)["output sorted"]) == (True, False)
    fst.arc(second, first, 0)
    assert bits(fst)["input epsilons"]


def test_an_acceptor() -> None:
    fst = Fst()
    fst.arc(fst.state(), fst.state(final=0), 1, 1)
    assert bits(fst)["acceptor"]
