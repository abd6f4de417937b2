import numpy as np

from bench.response.person import Narrow, Until
from server.talk.caller import HangUp
from server.talk.far_end import FarEnd, Message
from server.talk.person import Spoken


class Tone:
    """A person of one tone, who said something at 16 kHz."""

    def __init__(self, spoken: list[Spoken]) -> None:
        self._spoken = spoken
        self.heard: list[Message] = []

    def hear(self, message: Message) -> None:
        self.heard.append(message)

    def frame(self, far: FarEnd, now: float) -> bytes | HangUp:
        return (np.arange(320) * 10).astype("<i2").tobytes()

    def spoken(self) -> list[Spoken]:
        return self._spoken


def test_a_narrow_line_has_half_the_samples_of_both() -> None:
    person = Narrow(Tone([Spoken("oui", "answer", 100, 3201)]))
    frame = person.frame(FarEnd(8000, 0.0), 0.02)
    assert isinstance(frame, bytes)
    assert len(frame) == 320
    assert person.spoken() == [Spoken("oui", "answer", 50, 1600)]


def test_the_caller_hangs_up_when_the_last_reply_was_heard_for_a_moment() -> None:
    person = Until(Tone([Spoken("oui", "answer", 0, 1000)]), turns=1)
    far = FarEnd(16000, 0.0)
    far.receive({"type": "reply", "turn": 2}, 1.0)
    far.receive(b"\1\1" * 16000, 1.0)
    far.advance(1.3)
    assert isinstance(person.frame(far, 1.3), bytes)
    far.advance(1.41)
    assert person.frame(far, 1.41) == HangUp("all was answered")


def test_a_reply_that_is_still_that_to_an_earlier_answer_does_not_count() -> None:
    person = Until(Tone([Spoken("oui", "answer", 0, 20_000)]), turns=1)
    far = FarEnd(16000, 0.0)
    far.receive({"type": "reply", "turn": 1}, 0.0)
    far.receive(b"\1\1" * 16000, 0.0)
    far.advance(1.5)
    assert isinstance(person.frame(far, 1.5), bytes)
