import numpy as np
import pytest

from bench.barge_in.callers import (
    ANSWER,
    BACKCHANNEL,
    INTERRUPTION,
    MOMENT_MS,
    Trial,
    plan_calls,
    plan_phases,
)
from bench.barge_in.person import Interrupter
from bench.errors import BenchError
from server.talk.caller import HangUp
from server.talk.far_end import FarEnd
from server.talk.line import Line, Utterance

FRAME_S = 0.02
VOICE = ("fr",)


def heard(text: str) -> Utterance:
    return Utterance(text, np.full(3200, 9000, np.int16), 10, 3190)


def make(*trials: Trial) -> Interrupter:
    texts = {ANSWER, *(trial.text for trial in trials)}
    return Interrupter(trials, Line(1), {text: heard(text) for text in texts})


class Conversation:
    """A person and a far end, a frame at a time."""

    def __init__(self, person: Interrupter) -> None:
        self.person, self.far, self.now = person, FarEnd(16000, 0.0), 0.0

    def tell(self, **message: object) -> None:
        self.person.hear(dict(message))
        self.far.receive(dict(message), self.now)

    def reply(self, turn: int, seconds: float) -> None:
        self.tell(type="reply", turn=turn)
        self.tell(type="state", state="responding")
        self.far.receive(b"\1\1" * round(16000 * seconds), self.now)

    def run(self, seconds: float) -> HangUp | None:
        for _ in range(round(seconds / FRAME_S)):
            self.now += FRAME_S
            self.far.advance(self.now)
            frame = self.person.frame(self.far, self.now)
            if isinstance(frame, HangUp):
                return frame
        return None


def test_a_trial_begins_at_its_moment_and_its_sample() -> None:
    talk = Conversation(make(Trial(INTERRUPTION, "stop", 500.0, 123)))
    talk.reply(1, 3.0)
    talk.run(0.48)
    assert talk.person.tried == []
    talk.run(0.1)
    tried = talk.person.tried[0]
    assert (tried.turn, tried.last - tried.first) == (1, 3180)
    # The 25th frame is the first that is spoken once 500 ms were heard.
    assert tried.first == 24 * 320 + 123 + 10
    assert talk.person.spoken()[0].first == tried.first


def test_one_trial_a_turn_and_an_answer_in_between() -> None:
    talk = Conversation(
        make(Trial(BACKCHANNEL, "oui", 100.0, 0), Trial(INTERRUPTION, "stop", 100.0, 0))
    )
    talk.reply(1, 1.0)
    talk.run(1.02)
    talk.tell(type="state", state="listening")
    talk.run(2.0)
    assert [one.kind for one in talk.person.spoken()] == [BACKCHANNEL, "answer"]
    talk.reply(2, 1.0)
    talk.run(0.4)
    assert [one.turn for one in talk.person.tried] == [1, 2]
    talk.far.receive({"type": "clear", "turn": 2}, talk.now)
    talk.reply(3, 1.0)
    assert talk.run(0.6) == HangUp("all was tried")


def test_an_engine_that_does_not_answer_is_left() -> None:
    talk = Conversation(make(Trial(INTERRUPTION, "stop", 100.0, 0)))
    left = talk.run(13.0)
    assert isinstance(left, HangUp)
    assert not left.answered


def test_calls_are_planned_from_the_seed() -> None:
    phases = plan_phases(3)
    assert [phase.calls for phase in phases] == [1, 3, 3, 3]
    assert [phase.pauses for phase in phases] == [True, True, False, False]
    plans = plan_calls(phases[1], VOICE, interruptions=4, backchannels=2, seed=5)
    assert plans == plan_calls(phases[1], VOICE, interruptions=4, backchannels=2, seed=5)
    assert plans != plan_calls(phases[1], VOICE, interruptions=4, backchannels=2, seed=6)
    for plan in plans:
        kinds = [trial.kind for trial in plan.trials]
        assert (kinds.count(INTERRUPTION), kinds.count(BACKCHANNEL)) == (4, 2)
        assert all(MOMENT_MS[0] <= trial.after_ms <= MOMENT_MS[1] for trial in plan.trials)
        assert ANSWER in plan.texts()


def test_a_run_of_nothing_is_refused() -> None:
    with pytest.raises(BenchError, match="--calls 0"):
        plan_phases(0)
    with pytest.raises(BenchError, match="at least one"):
        plan_calls(plan_phases(1)[0], VOICE, interruptions=0, backchannels=0, seed=1)
