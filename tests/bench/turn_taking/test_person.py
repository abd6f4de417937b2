"""A caller and a far end, a frame at a time."""

from dataclasses import replace

import numpy as np
import pytest

from bench.turn_taking.callers import CONDITIONS, CallPlan, Over, Reply
from bench.turn_taking.person import LATEST_S, PATIENCE_S, Talker
from server.talk.caller import HangUp
from server.talk.far_end import FarEnd

FRAME_S = 0.02
PLAIN = Reply({"choice": "oui bien sûr", "open": "je crois que | oui"}, (0.5, 0.3), 0.6)
NOD = Over("backchannel", "oui", 500.0, 10)
STOP = Over("interruption", "attendez", 1500.0, 0)


def plan(*overs: Over, reply: Reply = PLAIN, seconds: float = 60.0) -> CallPlan:
    return CallPlan(1, "fr+f3", CONDITIONS[0], seconds, (reply,) * 9, (overs,) * 9)


class Conversation:
    def __init__(self, plan: CallPlan) -> None:
        self.person = Talker(plan, {"Alors ?": "choice", "Voici.": "open"}, frozenset({"Voici."}))
        self.rate_hz = plan.condition.rate_hz
        self.far, self.now = FarEnd(self.rate_hz, 0.0), 0.0
        self.sent = b""

    def tell(self, **message: object) -> None:
        self.person.hear(dict(message))
        self.far.receive(dict(message), self.now)

    def reply(self, turn: int, text: str, seconds: float, **more: object) -> None:
        self.tell(type="reply", turn=turn, text=text, **more)
        self.far.receive(b"\0\x20" * round(self.rate_hz * seconds), self.now)

    def run(self, seconds: float) -> HangUp | None:
        for _ in range(round(seconds / FRAME_S)):
            self.now += FRAME_S
            self.far.advance(self.now)
            frame = self.person.frame(self.far, self.now)
            if isinstance(frame, HangUp):
                return frame
            self.sent += frame
        return None

    def said(self) -> list[str]:
        return [one.kind for one in self.person.said]


def test_a_question_is_answered_after_a_thought() -> None:
    talk = Conversation(plan())
    talk.reply(1, "Alors ?", 1.0, ms=1000.0)
    talk.run(1.5)
    assert talk.said() == []
    talk.run(0.2)
    assert talk.said() == ["answer"]
    assert not talk.person.said[0].more


def test_an_engine_that_says_when_it_listens_is_believed() -> None:
    talk = Conversation(plan())
    talk.reply(1, "Alors ?", 1.0)
    talk.tell(type="state", state="responding")
    talk.run(2.5)
    assert talk.said() == []
    talk.tell(type="state", state="listening")
    talk.run(0.1)
    assert talk.said() == ["answer"]


def test_a_hesitant_answer_goes_on_after_its_pause_whatever_happens() -> None:
    talk = Conversation(plan())
    talk.reply(1, "Voici.", 0.2, ms=200.0)
    talk.run(1.5)
    talk.reply(2, "Alors ?", 3.0, ms=3000.0)
    talk.run(2.0)
    first, second = talk.person.said
    assert (first.more, second.more) == (True, False)
    assert second.start_ms - first.end_ms == pytest.approx(500, abs=60)


def test_what_is_said_over_a_passage_is_said_at_its_moment() -> None:
    talk = Conversation(plan(NOD, STOP))
    talk.reply(1, "Voici.", 5.0, ms=5000.0)
    talk.run(3.0)
    nod, stop = talk.person.said
    assert (nod.kind, stop.kind) == ("backchannel", "interruption")
    assert nod.start_ms == pytest.approx(500, abs=80)
    assert stop.start_ms == pytest.approx(1500, abs=80)


def test_an_interruption_is_its_own_answer() -> None:
    talk = Conversation(plan(STOP))
    talk.reply(1, "Voici.", 2.0, ms=9000.0)
    talk.run(6.0)
    assert talk.said() == ["interruption"]


def test_who_is_not_answered_speaks_again() -> None:
    talk = Conversation(plan())
    talk.reply(1, "Alors ?", 0.4, ms=400.0)
    talk.run(PATIENCE_S + 4)
    assert talk.said() == ["answer", "answer"]


def test_a_line_that_broke_off_is_waited_for() -> None:
    talk = Conversation(plan())
    talk.reply(1, "Alors ?", 1.0, ms=4000.0)
    talk.run(5.9)
    assert talk.said() == []
    talk.run(0.2)
    assert talk.said() == ["answer"]


def test_a_cough_is_given_time_to_be_answered() -> None:
    talk = Conversation(plan(reply=replace(PLAIN, cough="cough-1")))
    talk.reply(1, "Alors ?", 0.4, ms=400.0)
    talk.run(2.6)
    assert talk.said() == ["cough"]
    talk.run(1.0)
    assert talk.said() == ["cough", "answer"]
    cough, answer = talk.person.said
    assert answer.start_ms > cough.end_ms + 2000


def test_the_call_ends_when_the_last_answer_was_heard() -> None:
    talk = Conversation(plan(seconds=10.0))
    talk.reply(1, "Alors ?", 9.0, ms=9000.0)
    assert talk.run(11.0) is None
    talk.reply(2, "Alors ?", 2.0, ms=2000.0)
    assert talk.run(0.5) == HangUp("enough was said")


def test_nobody_waits_for_ever() -> None:
    assert Conversation(plan(seconds=10.0)).run(10.0 + LATEST_S + 1) == HangUp("it is late")


def test_our_own_sound_comes_back() -> None:
    quiet, echoing = (
        Conversation(replace(plan(), condition=condition)) for condition in (CONDITIONS[0], ECHO)
    )
    for talk in (quiet, echoing):
        talk.reply(1, "Alors ?", 0.5, ms=500.0)
        talk.run(0.8)
    heard = np.frombuffer(echoing.sent, "<i2").astype(int) - np.frombuffer(quiet.sent, "<i2")
    back = np.flatnonzero(heard)
    delay = round(0.12 * 16000)
    (run,) = echoing.far.runs
    assert (back[0], back[-1] + 1) == (run.start + delay, run.end + delay)
    assert heard[back[0]] == round(0x2000 * 10 ** (-15 / 20))


ECHO = CONDITIONS[-1]


def test_a_telephone_line_codes_what_is_said() -> None:
    talk = Conversation(replace(plan(), condition=CONDITIONS[1]))
    talk.reply(1, "Alors ?", 0.5, ms=500.0)
    talk.run(2.0)
    levels = np.unique(np.abs(np.frombuffer(talk.sent, "<i2").astype(int)))
    assert levels.size <= 128
    assert len(talk.sent) == 100 * 320
