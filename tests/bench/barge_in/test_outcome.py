from typing import Any

import pytest

from bench.barge_in.account import Account
from bench.barge_in.callers import BACKCHANNEL, INTERRUPTION, Trial
from bench.barge_in.outcome import CallResult, Samples, outcome, references, samples
from bench.barge_in.person import Tried
from server.talk.far_end import FarEnd

LINE = bytes(range(1, 251)) * 128  # one second at 16 kHz


class Told:
    """A far end and an account that get the same messages."""

    def __init__(self) -> None:
        self.far = FarEnd(16000, 0.0)
        self.account = Account()
        self.say(1)

    def say(self, turn: int) -> None:
        self.tell(0.0, type="reply", turn=turn, text="bonjour")
        self.tell(0.0, type="state", state="responding")

    def tell(self, now: float, **message: Any) -> None:
        self.far.receive(message, now)
        self.account.passed(message, now)

    def sound(self, now: float, start: int, end: int) -> None:
        self.far.receive(LINE[start:end], now)
        self.account.received(LINE[start:end])

    def call(self, *tried: Tried) -> CallResult:
        return CallResult(tried, len(tried), self.far, self.account)


def spoke(kind: str, first: int) -> Tried:
    return Tried(Trial(kind, "oui", 100.0, 0), 1, first, first + 4000)


def test_an_interruption_is_timed_to_the_sample() -> None:
    told = Told()
    told.sound(0.0, 0, len(LINE))
    told.tell(0.35, type="pause", turn=1)
    told.tell(0.35, type="state", state="paused")
    told.tell(0.7, type="clear", turn=1)
    told.tell(0.7, type="state", state="listening")
    one = outcome(spoke(INTERRUPTION, 4000), told.far, told.account)
    assert one.silent_ms == pytest.approx(100.0)
    assert one.decided_ms == pytest.approx(450.0)
    assert one.resumed_ms is None
    assert one.right
    assert samples(told.call(), {"bonjour": LINE}) == Samples(cut=1)


def test_a_backchannel_resumes_at_the_exact_sample() -> None:
    told = Told()
    told.sound(0.0, 0, 16000)
    told.tell(0.3, type="pause", turn=1)
    told.tell(0.3, type="state", state="paused")
    told.tell(0.8, type="resume", turn=1)
    told.tell(0.8, type="state", state="responding")
    told.sound(0.8, 16000, len(LINE))
    told.far.advance(2.0)
    told.tell(2.0, type="state", state="listening")
    told.tell(2.0, type="turn", turn=1, interrupted=False)
    one = outcome(spoke(BACKCHANNEL, 4000), told.far, told.account)
    assert one.right
    assert one.silent_ms == pytest.approx(50.0)
    assert one.resumed_ms == pytest.approx(550.0)
    assert samples(told.call(), {"bonjour": LINE}) == Samples(whole=1, resumed=1)


def test_a_sample_that_is_repeated_or_missing_is_found() -> None:
    for second in ((15998, len(LINE)), (16002, len(LINE))):
        told = Told()
        told.sound(0.0, 0, 16000)
        told.sound(0.0, *second)
        told.far.advance(2.0)
        told.tell(2.0, type="turn", turn=1, interrupted=False)
        assert samples(told.call(), {"bonjour": LINE}) == Samples(whole=1, wrong=1)


def test_a_silence_that_no_hold_explains_is_a_break() -> None:
    told = Told()
    told.sound(0.0, 0, 16000)
    told.far.advance(0.7)
    told.sound(0.7, 16000, len(LINE))
    told.far.advance(2.0)
    told.tell(2.0, type="turn", turn=1, interrupted=False)
    assert samples(told.call(), {"bonjour": LINE}) == Samples(whole=1, breaks=1)


def test_a_false_resume_and_a_false_cancel_are_wrong() -> None:
    told = Told()
    told.sound(0.0, 0, len(LINE))
    told.tell(0.3, type="state", state="paused")
    told.tell(0.5, type="state", state="responding")
    assert not outcome(spoke(INTERRUPTION, 4000), told.far, told.account).right
    told.tell(0.6, type="state", state="paused")
    told.tell(0.7, type="state", state="listening")
    assert not outcome(spoke(BACKCHANNEL, 9000), told.far, told.account).right


def test_what_nobody_noticed_has_no_times() -> None:
    told = Told()
    told.sound(0.0, 0, len(LINE))
    one = outcome(spoke(INTERRUPTION, 4000), told.far, told.account)
    assert (one.silent_ms, one.decided_ms, one.resumed_ms) == (None, None, None)
    assert not one.right


def test_the_reference_of_a_line_is_its_whole_sound() -> None:
    short, whole = Told(), Told()
    short.sound(0.0, 0, 640)
    whole.sound(0.0, 0, len(LINE))
    assert references([short.call(), whole.call()]) == {"bonjour": LINE}
