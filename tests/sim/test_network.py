from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from server.sim.network import NEVER, Network, Way


def way(network: Network, start: float = 0.0) -> Way:
    return Way(network, start, random.Random(1))


def test_messages_take_the_delay() -> None:
    line = way(Network(0.05))
    assert [line.arrives(at) for at in (0.0, 1.0)] == [0.05, 1.05]


def test_a_stall_ends_in_a_burst() -> None:
    line = way(Network(0.0, stalls=((1.0, 0.5),)), start=10.0)
    assert [line.arrives(10 + at) for at in (0.9, 1.0, 1.2, 1.6)] == [10.9, 11.5, 11.5, 11.6]


def test_nothing_arrives_once_it_has_vanished() -> None:
    line = way(Network(0.1, vanishes_s=2.0))
    assert line.arrives(1.8) == 1.9000000000000001
    assert line.arrives(1.95) == NEVER


def test_what_is_lost_comes_a_retransmission_later_and_holds_up_the_rest() -> None:
    line = way(Network(0.0, loss=1.0))
    assert line.arrives(0.0) == 0.2
    line = way(Network(0.0, loss=0.1))
    late = [arrival - index / 100 for index, arrival in enumerate(_sent(line, 200))]
    assert max(late) == 0.2 or abs(max(late) - 0.2) < 1e-9
    assert sum(one > 0.1 for one in late) > 0.1 * len(late)


def _sent(line: Way, count: int) -> list[float]:
    return [line.arrives(index / 100) for index in range(count)]


@given(
    jitter=st.floats(0, 0.1),
    loss=st.floats(0, 0.5),
    stalls=st.lists(st.tuples(st.floats(0, 5), st.floats(0.01, 1)), max_size=3),
)
def test_nothing_overtakes_or_comes_before_it_was_sent(
    jitter: float, loss: float, stalls: list[tuple[float, float]]
) -> None:
    line = way(Network(0.01, jitter, loss, stalls=tuple(sorted(stalls))))
    sent = [index / 50 for index in range(200)]
    arrived = [line.arrives(at) for at in sent]
    assert arrived == sorted(arrived)
    assert all(at >= was + 0.01 for at, was in zip(arrived, sent, strict=True))
