"""What somebody's speech does to ours."""

from __future__ import annotations

from engine.clock import Clock
from engine.flow import Question
from engine.frames import Frame, Interrupted, SpeechEnded, SpeechStarted
from engine.session import Session
from pipelines.turns.hold import Hold
from pipelines.turns.utterance import Utterance


class At:
    """A clock that stands still."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> float:
        return self._now

    wall = now


class Told:
    """A session and a mouth, which note what they are told."""

    def __init__(self, epoch: int | None = 3) -> None:
        self.epoch = epoch
        self.what: list[object] = []

    def deliver(self, frame: Frame) -> bool:
        self.what.append(frame)
        return True

    def __getattr__(self, name: str) -> object:
        if name not in {"paused", "resumed", "hold", "release", "clear"}:
            raise AttributeError(name)
        return lambda *arguments: self.what.append((name, *arguments) if arguments else name)


def _hold(told: Told, clock: Clock) -> Hold:
    session: Session = told  # type: ignore[assignment]
    return Hold(session, told, clock)  # type: ignore[arg-type]


def _over(epoch: int | None = 3) -> Utterance:
    return Utterance(10.0, Question("q"), epoch)


def test_speech_over_us_holds_and_pauses() -> None:
    told, utterance = Told(), _over()
    _hold(told, At(10.1)).take(utterance)
    assert utterance.taken
    assert told.what == [SpeechStarted(10.0, 10.1), "hold", "paused"]


def test_speech_in_our_silence_holds_what_is_about_to_sound() -> None:
    told = Told(None)
    _hold(told, At(10.1)).take(_over(None))
    assert told.what == [SpeechStarted(10.0, 10.1), "hold"]


def test_what_is_nothing_lets_us_go_on_once() -> None:
    told, utterance = Told(), _over()
    hold = _hold(told, At(10.3))
    hold.saying = utterance
    hold.let_go(utterance)
    assert told.what == []  # it held nothing
    utterance.taken = True
    hold.let_go(utterance)
    hold.let_go(utterance)
    assert told.what == [SpeechEnded(10.0, 10.3), "release", "resumed"]


def test_an_interruption_cuts_the_turn_it_came_over() -> None:
    told, utterance = Told(), _over()
    _hold(told, At(10.5)).cut(utterance, 3)
    assert (utterance.cut, utterance.over) == (True, None)
    assert told.what == [("clear", 3), Interrupted(3, 10.5)]


def test_nothing_goes_on_while_somebody_else_is_being_heard() -> None:
    told = Told()
    hold = _hold(told, At(10.5))
    hold.saying = _over()
    hold.saying.taken = True
    hold.resume()
    assert told.what == []
    hold.silence()
    assert told.what == [("clear", 3)]


def test_silence_frees_what_comes_next() -> None:
    told = Told(None)
    _hold(told, At(10.5)).silence()
    assert told.what == ["release"]
