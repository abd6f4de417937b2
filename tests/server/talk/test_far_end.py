"""The far end plays to the sample what it was told to, whenever it is asked."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.talk.far_end import FarEnd, Run

RATE_HZ = 8000
FRAME = 160  # 20 ms


def tone(samples: int, value: int = 1) -> bytes:
    return struct.pack("<h", value) * samples


def values(pcm: bytes) -> list[int]:
    return list(struct.unpack(f"<{len(pcm) // 2}h", pcm))


def at(sample: float, start: float = 50.0) -> float:
    return start + sample / RATE_HZ


def far_end() -> FarEnd:
    return FarEnd(RATE_HZ, 50.0)


def reply(turn: int) -> dict[str, Any]:
    return {"type": "reply", "turn": turn, "text": "Bonjour."}


def test_sound_begins_at_the_next_frame_and_marks_come_back_when_it_was_played() -> None:
    far = far_end()
    assert far.receive(reply(1), at(0)) == []
    assert far.receive({"type": "mark", "name": "1.0"}, at(5)) == [{"type": "mark", "name": "1.0"}]
    far.receive(tone(200, 7), at(10))
    far.receive({"type": "mark", "name": "1.1"}, at(11))
    assert far.due() == at(FRAME + 200)
    assert far.advance(at(FRAME + 199)) == []
    before = far.playing
    assert far.advance(at(FRAME + 200)) == [{"type": "mark", "name": "1.1"}]
    assert (before, far.playing, far.due()) == (True, False, None)
    assert far.reached == {"1.0": at(5), "1.1": at(FRAME + 200)}
    assert values(far.track()) == [0] * FRAME + [7] * 200
    assert far.runs == [Run(1, FRAME, FRAME + 200)]


def test_a_late_look_is_as_exact_as_an_early_one() -> None:
    far = far_end()
    far.receive(reply(1), at(0))
    far.receive(tone(50), at(0))
    far.receive({"type": "mark", "name": "1.1"}, at(0))
    assert far.advance(at(8000)) == [{"type": "mark", "name": "1.1"}]
    assert far.reached["1.1"] == at(50)


def test_sound_that_comes_in_time_leaves_no_gap() -> None:
    far = far_end()
    far.receive(reply(1), at(0))
    for frame in range(5):
        far.receive(tone(FRAME, frame + 1), at(frame * FRAME))
    far.advance(at(5 * FRAME))
    assert far.runs == [Run(1, 0, 5 * FRAME)]


def test_a_pause_holds_at_the_sample_and_a_resume_goes_on_there() -> None:
    far = far_end()
    far.receive(reply(3), at(0))
    far.receive(tone(400, 9), at(0))
    far.receive({"type": "mark", "name": "3.1"}, at(0))
    answer = far.receive({"type": "pause", "turn": 3}, at(123))
    assert answer == [{"type": "played", "turn": 3, "ms": 15.375}]
    assert far.due() is None
    assert far.advance(at(700)) == []
    far.receive({"type": "resume", "turn": 3}, at(701))
    assert far.due() == at(701 + 277)
    assert far.advance(at(1000)) == [{"type": "mark", "name": "3.1"}]
    assert values(far.track()) == [9] * 123 + [0] * 578 + [9] * 277 + [0] * 22
    assert far.played_ms(3) == 50.0


def test_a_clear_drops_the_turn_its_marks_and_the_pause() -> None:
    far = far_end()
    far.receive(reply(3), at(0))
    far.receive(tone(400), at(0))
    far.receive({"type": "mark", "name": "3.1"}, at(0))
    far.receive({"type": "pause", "turn": 3}, at(80))
    answer = far.receive({"type": "clear", "turn": 3}, at(90))
    assert answer == [{"type": "played", "turn": 3, "ms": 10.0}]
    assert not far.paused
    assert not far.playing
    far.receive(reply(4), at(100))
    far.receive(tone(40, 4), at(100))
    assert far.advance(at(400)) == []
    assert far.runs == [Run(3, 0, 80), Run(4, FRAME, FRAME + 40)]


def test_a_clear_leaves_other_turns_and_answers_for_one_that_never_sounded() -> None:
    far = far_end()
    far.receive(reply(3), at(0))
    far.receive(tone(40), at(0))
    answer = far.receive({"type": "clear", "turn": 9}, at(10))
    assert answer == [{"type": "played", "turn": 9, "ms": 0.0}]
    far.advance(at(100))
    assert far.runs == [Run(3, 0, 40)]


def test_a_clear_lets_pass_the_marks_that_waited_behind_the_turn() -> None:
    far = far_end()
    far.receive(reply(3), at(0))
    far.receive(tone(40), at(0))
    far.receive(reply(4), at(0))
    far.receive({"type": "mark", "name": "4.0"}, at(0))
    answers = far.receive({"type": "clear", "turn": 3}, at(10))
    assert answers[0] == {"type": "mark", "name": "4.0"}


def test_time_that_stands_still_or_goes_back_plays_nothing() -> None:
    far = far_end()
    far.receive(tone(40), at(100))
    far.advance(at(50))
    far.advance(at(100))
    assert len(far.track()) == 2 * 100


def test_half_a_sample_is_refused_and_no_sound_is_none() -> None:
    far = far_end()
    with pytest.raises(ValueError, match="half a sample"):
        far.receive(b"abc", at(0))
    far.receive(b"", at(0))
    assert not far.playing


def test_what_is_not_for_the_playout_is_left_alone() -> None:
    far = far_end()
    assert far.receive({"type": "state", "state": "listening"}, at(0)) == []
    assert far.receive({"type": "mark"}, at(0)) == []


class Model:
    """The same far end, one sample at a time."""

    def __init__(self) -> None:
        self.track: list[int] = []
        self.queue: list[tuple[int, int | str]] = []
        self.paused = False
        self.turn = 0
        self.not_before = 0
        self.acks: list[tuple[str, int]] = []
        self.played: dict[int, int] = {}

    def marks(self) -> None:
        while self.queue and isinstance(self.queue[0][1], str):
            name = self.queue.pop(0)[1]
            assert isinstance(name, str)
            self.acks.append((name, len(self.track)))

    def step(self) -> None:
        if self.paused or not self.queue or len(self.track) < self.not_before:
            self.track.append(0)
            return
        turn, sample = self.queue.pop(0)
        assert isinstance(sample, int)
        self.track.append(sample)
        self.played[turn] = self.played.get(turn, 0) + 1
        self.marks()

    def take(self, kind: str, argument: int) -> float | None:
        match kind:
            case "sound":
                if not self.queue:
                    self.not_before = -(-len(self.track) // FRAME) * FRAME
                count = len(self.queue)
                self.queue += [(self.turn, 1 + (count + i) % 99) for i in range(argument)]
            case "reply":
                self.turn += 1
            case "mark":
                self.queue.append((self.turn, f"{self.turn}.{argument}"))
                self.marks()
            case "pause":
                self.paused = True
                return self.played.get(self.turn, 0) * 1000 / RATE_HZ
            case "resume":
                self.paused = False
            case "clear":
                self.queue = [item for item in self.queue if item[0] != self.turn]
                self.paused = False
                self.marks()
                return self.played.get(self.turn, 0) * 1000 / RATE_HZ
        return None


EVENTS = st.lists(
    st.tuples(
        st.integers(0, 700),
        st.sampled_from(["sound", "sound", "sound", "reply", "mark", "pause", "resume", "clear"]),
        st.integers(1, 400),
        st.booleans(),
    ),
    max_size=25,
)


@given(EVENTS)
def test_it_agrees_with_a_far_end_that_moves_one_sample_at_a_time(
    events: Iterable[tuple[int, str, int, bool]],
) -> None:
    far, model = far_end(), Model()
    marks: list[str] = []
    now = 0

    def take(answers: list[dict[str, Any]], expected_ms: float | None) -> None:
        marks.extend(answer["name"] for answer in answers if answer["type"] == "mark")
        played = [answer["ms"] for answer in answers if answer["type"] == "played"]
        assert played == ([] if expected_ms is None else [expected_ms])

    for wait, kind, argument, looked in events:
        now += wait
        for _ in range(wait):
            model.step()
        if looked:
            take(far.advance(at(now - wait / 2)), None)
        queued = len(model.queue)
        expected = model.take(kind, argument)
        message: bytes | dict[str, Any] = {"type": kind, "turn": model.turn}
        if kind == "sound":
            message = b"".join(tone(1, 1 + (queued + i) % 99) for i in range(argument))
        elif kind == "mark":
            message = {"type": kind, "name": f"{model.turn}.{argument}"}
        take(far.receive(message, at(now)), expected)
    far.receive({"type": "resume"}, at(now))
    model.take("resume", 0)
    for _ in range(12000):
        model.step()
    take(far.advance(at(now + 12000)), None)
    assert values(far.track()) == model.track
    assert marks == [name for name, _ in model.acks]
    assert far.reached == {name: at(sample) for name, sample in model.acks}
