"""What comes late and all at once is stale; what comes as it is spoken is not."""

from __future__ import annotations

import pytest

from telephony.stall import KEPT_S, STALL_S, Stall

PTIME_S = 0.02


class Caller:
    """Hands messages in, each a byte that says which it is."""

    def __init__(self) -> None:
        self.stall = Stall()
        self.heard: list[tuple[int, float]] = []
        self._count = 0

    def say(self, now: float, count: int = 1, every_s: float = 0.0) -> None:
        for number in range(count):
            message = self._count.to_bytes(2, "little")
            self._count += 1
            taken = self.stall.take(message, PTIME_S, now + number * every_s)
            self.heard += [(int.from_bytes(sound, "little"), at) for sound, at in taken]

    @property
    def order(self) -> list[int]:
        return [number for number, _ in self.heard]


def test_sound_passes_as_it_comes() -> None:
    caller = Caller()
    caller.say(5.0, 50, PTIME_S)
    caller.say(6.16, 8)  # jitter
    caller.say(6.16 + STALL_S, 25)  # and the longest that is still no stall
    assert caller.order == list(range(83))
    assert caller.heard[57] == (57, 6.16)
    assert caller.stall.dropped == 0


def test_after_a_stall_the_newest_second_is_heard() -> None:
    caller = Caller()
    caller.say(0.0, 10, PTIME_S)
    caller.say(6.2, 303)  # what Asterisk sent after 6 s in which it was not read
    assert caller.order == list(range(10)), "whether it is live is not known yet"
    caller.say(6.22, 2, PTIME_S)
    assert caller.order == [*range(10), *range(265, 315)]
    assert caller.stall.dropped == 255
    times = [at for _, at in caller.heard[10:]]
    assert times == pytest.approx([6.24 - (49 - n) * PTIME_S for n in range(50)])
    assert 50 * PTIME_S == KEPT_S
    caller.say(6.26, 5, PTIME_S)
    assert caller.order[-5:] == list(range(315, 320))
    assert caller.heard[-1][1] == pytest.approx(6.34)


def test_a_pause_within_what_was_kept_does_not_pass_for_its_end() -> None:
    caller = Caller()
    caller.say(0.0, 10, PTIME_S)
    caller.say(6.0, 100)
    caller.say(6.012, 203)
    caller.say(6.03, 2, PTIME_S)
    assert caller.order == [*range(10), *range(265, 315)]


def test_a_caller_who_sent_nothing_is_heard_whole() -> None:
    caller = Caller()
    caller.say(0.0, 10, PTIME_S)
    caller.say(30.0, 5, PTIME_S)
    assert caller.order == list(range(15))
    assert [at for _, at in caller.heard[10:]] == pytest.approx([30.0, 30.02, 30.04, 30.06, 30.08])
    assert caller.stall.dropped == 0


def test_what_still_waits_at_the_end_is_heard() -> None:
    caller = Caller()
    assert not caller.stall.finish()
    caller.say(0.0, 2, PTIME_S)
    assert not caller.stall.finish()
    caller.say(4.0, 2)
    rest = caller.stall.finish()
    assert [at for _, at in rest] == pytest.approx([3.98, 4.0])
