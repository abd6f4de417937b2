"""The simulated caller follows what he hears; the same seed makes the same call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from server.talk.caller import PATIENCE_S, THINK_S, Caller, HangUp
from server.talk.far_end import FarEnd
from server.talk.line import FRAME, RATE_HZ, Line, Utterance, utterance
from server.talk.person import Simulated
from server.talk.plan import Aside, Plan

STEPS = {"Allô ?": "hello", "Et vos livrets ?": "q1", "Au revoir.": "bye"}
PLAN = Plan(
    voices=("fr",),
    answers={"hello": ("oui", "oui oui"), "q1": ("non",)},
    interrupt=Aside("q1", 0.5, "pardon"),
    backchannel=Aside("hello", 0.4, "mm"),
    quick=("hello",),
)
LINE = b"\0\x20" * FRAME
TONE = b"\0\x10" * 8 + b"\0\xf0" * 8  # 1 ms of 1 kHz


def said(text: str) -> Utterance:
    return utterance(text, TONE * 250)  # a quarter of a second


class Engine:
    """Says lines of one second when it is told to."""

    def __init__(self, plan: Plan = PLAN, *, seed: int = 1, quick: bool = False) -> None:
        self.caller = Caller(plan, STEPS, frozenset({"bye"}), seed=seed, quick=quick)
        self.says: list[tuple[float, str, str]] = []
        utterances = {text: said(text) for text in plan.lines()}
        self.person = Simulated(self.caller, Line(seed), utterances, self._said)
        self.far = FarEnd(RATE_HZ, 0.0)
        self.frames = 0
        self.track = b""
        self.turn = 0
        self.ended: HangUp | None = None

    def _said(self, text: str, kind: str) -> None:
        self.says.append((round(self.now, 2), text, kind))

    @property
    def now(self) -> float:
        return self.frames * 0.02

    def tell(self, **message: Any) -> None:
        self.far.receive(message, self.now)
        self.person.hear(message)

    def say(self, *lines: str, seconds: float = 1.0) -> None:
        self.turn += 1
        self.tell(type="state", state="responding")
        for line in lines:
            self.tell(type="reply", turn=self.turn, text=line)
            self.far.receive(LINE * round(seconds * 50), self.now)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 50)):
            self.frames += 1
            self.far.advance(self.now)
            if not self.far.playing:
                self.tell(type="state", state="listening")
            frame = self.person.frame(self.far, self.now)
            if isinstance(frame, HangUp):
                self.ended = frame
                return
            self.track += frame


PLAIN = Plan(voices=("fr",), answers=PLAN.answers)


def test_he_answers_after_a_thought_each_time_in_other_words() -> None:
    engine = Engine(PLAIN)
    engine.say("Allô ?")
    engine.run(2.5)
    engine.say("Allô ?")
    engine.run(2.5)
    engine.say("Allô ?")
    engine.run(3)
    assert [text for _, text, _ in engine.says] == ["oui", "oui oui", "oui oui"]
    assert 1 + THINK_S[0] <= engine.says[0][0] <= 1 + THINK_S[1] + 0.02


def test_he_waits_for_the_last_line_and_answers_that() -> None:
    engine = Engine(PLAIN)
    engine.say("Merci.", "Et vos livrets ?")
    engine.run(1.9)
    assert engine.says == []
    engine.run(2)
    assert [text for _, text, _ in engine.says] == ["non"]


def test_he_does_not_take_a_pause_for_the_end() -> None:
    engine = Engine(PLAIN)
    engine.say("Allô ?")
    engine.run(0.5)
    engine.tell(type="pause", turn=1)
    engine.run(3)
    assert engine.says == []
    engine.tell(type="resume", turn=1)
    engine.run(2)
    assert [text for _, text, _ in engine.says] == ["oui"]


def test_he_speaks_over_the_engine_once_each() -> None:
    engine = Engine()
    engine.say("Bonjour.", "Allô ?")
    engine.run(4)
    engine.say("Et vos livrets ?", seconds=3)
    engine.run(1)
    engine.tell(type="clear", turn=2)
    engine.run(1)
    engine.say("Et vos livrets ?", seconds=3)
    engine.run(5)
    assert [(text, kind) for _, text, kind in engine.says] == [
        ("mm", "backchannel"),
        ("oui", "answer"),
        ("pardon", "interruption"),
        ("non", "answer"),
    ]
    assert engine.says[0][0] == 0.4
    one = engine.person.spoken()[0]
    assert 0.4 * RATE_HZ <= one.first <= one.last < RATE_HZ


def test_he_hangs_up_after_the_goodbye() -> None:
    engine = Engine(PLAIN)
    engine.say("Au revoir.")
    engine.run(5)
    assert engine.ended == HangUp("goodbye")
    assert 2.4 < engine.now < 2.7


def test_a_short_call_ends_at_the_next_question() -> None:
    engine = Engine(PLAN, quick=True)
    engine.say("Bonjour.", "Allô ?")
    engine.run(4)
    for _ in range(2):
        engine.say("Et vos livrets ?")
        engine.run(3)
    assert engine.ended == HangUp("the short call is over")
    assert [kind for _, _, kind in engine.says] == ["backchannel", "answer", "interruption"]


@pytest.mark.parametrize("greeted", [True, False])
def test_an_engine_that_says_nothing_more_is_given_up(greeted: bool) -> None:
    engine = Engine(PLAIN)
    if greeted:
        engine.say("Allô ?")
    engine.run(2 * PATIENCE_S)
    assert engine.ended == HangUp("the engine did not answer", answered=False)


def test_where_the_plan_has_no_answer_he_hangs_up() -> None:
    engine = Engine(Plan(voices=("fr",), answers={}))
    engine.say("Allô ?")
    engine.run(4)
    assert engine.ended == HangUp("nothing to answer at hello")


def conversation(seed: int) -> Iterator[object]:
    engine = Engine(seed=seed)
    engine.say("Bonjour.", "Allô ?")
    engine.run(4)
    engine.say("Et vos livrets ?", seconds=3)
    engine.run(4)
    yield engine.says
    yield engine.track


def test_the_same_seed_makes_the_same_call_and_another_one_does_not() -> None:
    assert list(conversation(3)) == list(conversation(3))
    says, track = conversation(3)
    other_says, other_track = conversation(4)
    assert says != other_says
    assert track != other_track
