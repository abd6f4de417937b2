"""A caller follows his script by what he hears."""

from __future__ import annotations

from dataclasses import replace

import pytest

from server.sim.caller import SimCaller
from server.sim.script import Over, Reply, Script, Stray, draw
from server.talk.caller import HangUp
from server.talk.far_end import FarEnd

STEPS = {"Avez-vous deux minutes ?": "hello", "Quel est votre nom ?": "name"}
ANSWER = Reply("answer", 0.5, {"choice": ("oui", "bien sûr"), "name": ("martin",)}, (0.4,))


def script(**changes: object) -> Script:
    plain = replace(
        draw(1),
        condition="clean",
        echo=None,
        over=(None,),
        replies=(ANSWER,),
        strays=(),
        hangs_up_s=120.0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


class Call:
    """A caller and his far end, frame by frame."""

    def __init__(self, **changes: object) -> None:
        self.far = FarEnd(16000, 0.0)
        self.caller = SimCaller(script(**changes), STEPS)
        self.now = 0.0
        self.ended: HangUp | None = None

    def engine_says(self, turn: int, text: str, seconds: float) -> None:
        for message in ({"type": "reply", "turn": turn, "text": text},):
            self.far.receive(message, self.now)
            self.caller.hear(message)
        self.caller.hear({"type": "state", "state": "responding"})
        self.far.receive(b"\x10\x00" * round(16000 * seconds), self.now)

    def engine_listens(self) -> None:
        self.caller.hear({"type": "state", "state": "listening"})

    def run(self, seconds: float) -> list[tuple[str, str]]:
        """What is said meanwhile."""
        before = len(self.caller.said)
        for _ in range(round(seconds * 50)):
            self.now += 0.02
            self.far.advance(self.now)
            frame = self.caller.frame(self.far, self.now)
            if isinstance(frame, HangUp):
                self.ended = frame
                break
            assert len(frame) == 640
        return [(one.kind, one.text) for one in self.caller.said[before:]]


def test_he_answers_when_we_have_finished_and_pauses_as_scripted() -> None:
    call = Call()
    call.engine_says(1, "Avez-vous deux minutes ?", 1.0)
    assert call.run(1.2) == []
    call.engine_listens()
    assert call.run(4.0) == [("answer", "oui"), ("answer", "bien sûr")]
    first, second = call.caller.said
    assert first.first / 16000 >= 1.0 + ANSWER.think_s
    assert (first.more, second.more) == (True, False)
    assert 0.4 <= (second.first - first.last) / 16000 <= 0.5
    assert call.run(5.0) == []  # until we say more


def test_he_answers_what_was_asked() -> None:
    call = Call()
    call.engine_says(1, "Quel est votre nom ?", 0.5)
    call.run(0.6)
    call.engine_listens()
    assert call.run(3.0) == [("answer", "martin")]


def test_he_says_nothing_while_we_think_and_gives_up_in_the_end() -> None:
    call = Call()
    call.engine_says(1, "Avez-vous deux minutes ?", 0.5)
    assert call.run(50.0) == []
    assert call.ended is not None
    assert not call.ended.answered


def test_he_speaks_over_us_once_a_turn() -> None:
    call = Call(over=(Over("backchannel", "oui oui", 1.0, 100),))
    call.engine_says(1, "Avez-vous deux minutes ?", 4.0)
    assert call.run(4.0) == [("backchannel", "oui oui")]
    said = call.caller.said[0]
    assert said.turn == 1
    assert 1.0 <= said.first / 16000 <= 1.1
    call.engine_listens()
    assert call.run(3.0)[0] == ("answer", "oui")


def test_an_interruption_is_its_own_answer() -> None:
    call = Call(over=(Over("interruption", "attendez", 0.5, 0),))
    call.engine_says(1, "Avez-vous deux minutes ?", 1.0)
    assert call.run(1.5) == [("interruption", "attendez")]
    call.engine_listens()
    assert call.run(5.0) == []


def test_he_presses_keys_or_says_nothing() -> None:
    for what, keys in (("key", 1), ("nothing", 0)):
        call = Call(replies=(replace(ANSWER, what=what),))
        call.engine_says(1, "Avez-vous deux minutes ?", 0.5)
        call.run(0.6)
        call.engine_listens()
        assert call.run(3.0) == []
        assert len(call.caller.keys) == keys


def test_strays_sound_when_they_do_and_he_hangs_up_when_he_does() -> None:
    stray = Stray("background", "il fait beau", "fr+f2", 0.5, -20.0)
    call = Call(strays=(stray,), hangs_up_s=2.0)
    assert call.run(5.0) == [("background", "il fait beau")]
    assert call.ended == HangUp("hung up")
    assert call.now == pytest.approx(2.0)
    assert call.caller.spoken() == []  # he said nothing to us


def test_our_sound_comes_back_fainter_and_later() -> None:
    call = Call(echo=(0.1, -20.0))
    quiet = Call()
    for one in (call, quiet):
        one.far.receive({"type": "reply", "turn": 1, "text": "x"}, 0.0)
        one.far.receive(b"\x10\x27" * 16000, 0.0)  # 10,000
    frames = []
    for one in (call, quiet):
        one.run(0.3)
        frame = one.caller.frame(one.far, one.now)
        assert isinstance(frame, bytes)
        frames.append(int.from_bytes(frame[:2], "little", signed=True))
    assert frames[0] - frames[1] == 1000
