"""Pacing against absolute deadlines, marks, holding and clearing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.channel import Capabilities
from engine.clock import LoopClock
from engine.frames import Mark
from pipelines.audio.playout import ACK_PATIENCE_S, Playout
from pipelines.audio.ticker import Ticker

FULL = Capabilities(rate_hz=16000, mark=True, clear=True, pause=True, lead_s=0.1)
PLAIN = Capabilities(rate_hz=16000)
FRAME = b"\x01\x00" * 320


class Wire:
    """What was sent, in order, with no far end."""

    def __init__(self, capabilities: Capabilities) -> None:
        self.capabilities = capabilities
        self.log: list[str] = []

    def play(self, pcm: bytes) -> None:
        assert len(pcm) == 640
        self.log.append("frame")

    def send(self, frame: object) -> None:
        assert isinstance(frame, Mark)
        self.log.append(frame.name)

    def pause(self, epoch: int) -> None:
        self.log.append(f"pause {epoch}")

    def resume(self, epoch: int) -> None:
        self.log.append(f"resume {epoch}")

    def clear(self, epoch: int) -> None:
        self.log.append(f"clear {epoch}")

    def attach(self, receiver: object) -> None: ...

    def close(self, reason: str) -> None: ...

    def frames(self) -> int:
        return self.log.count("frame")


class _Ticker(Ticker):
    """Ticks when the test does."""

    def __init__(self) -> None:
        super().__init__(LoopClock())

    def add(self, key: object, tick: Callable[[float], None]) -> None: ...


def _playout(capabilities: Capabilities) -> tuple[Playout, Wire, list[tuple[str, float]]]:
    wire = Wire(capabilities)
    reached: list[tuple[str, float]] = []
    playout = Playout(wire, 16000, _Ticker(), lambda name, at: reached.append((name, at)))
    playout.begin(1)
    return playout, wire, reached


def test_the_lead_goes_out_at_once_and_the_rest_on_time() -> None:
    playout, wire, _ = _playout(FULL)
    playout.write(1, FRAME * 50, now=10.0)
    assert wire.frames() == 5
    for n in range(1, 11):
        playout.tick(10.0 + n * 0.02)
    assert wire.frames() == 15


def test_without_a_buffer_at_the_far_end_one_frame_at_a_time() -> None:
    playout, wire, _ = _playout(PLAIN)
    playout.write(1, FRAME * 50, now=10.0)
    assert wire.frames() == 1
    playout.tick(10.02)
    assert wire.frames() == 2


def test_a_stall_is_caught_up() -> None:
    playout, wire, _ = _playout(PLAIN)
    playout.write(1, FRAME * 50, now=10.0)
    playout.tick(10.5)
    assert wire.frames() == 26
    assert playout.underruns == 0


def test_sound_that_comes_late_is_not_hurried() -> None:
    playout, wire, _ = _playout(PLAIN)
    playout.write(1, FRAME, now=10.0)
    for n in range(1, 20):
        playout.tick(10.0 + n * 0.02)
    playout.write(1, FRAME * 50, now=10.4)
    assert wire.frames() == 2
    assert playout.underruns == 1


def test_marks_stand_between_the_frames_they_belong_to() -> None:
    playout, wire, reached = _playout(FULL)
    playout.mark("1.0")
    playout.write(1, FRAME * 2, now=10.0)
    playout.mark("1.1")
    playout.write(1, FRAME + FRAME[:320], now=10.0)
    playout.mark("1.2")
    playout.end(1, now=10.0)
    assert wire.log == ["1.0", "frame", "frame", "1.1", "frame", "frame", "1.2"]
    playout.acknowledge("1.0", 10.01)
    playout.acknowledge("nonsense", 10.02)
    playout.acknowledge("1.2", 10.1)  # what comes before it was played as well
    assert reached == [("1.0", 10.01), ("1.1", 10.1), ("1.2", 10.1)]


def test_marks_of_a_far_end_that_cannot_tell_are_reached_by_pace() -> None:
    playout, wire, reached = _playout(PLAIN)
    playout.mark("1.0")
    playout.write(1, FRAME * 3, now=10.0)
    playout.mark("1.1")
    playout.end(1, now=10.0)
    for n in range(1, 6):
        playout.tick(10.0 + n * 0.02)
    assert wire.log == ["frame"] * 3
    assert reached == [("1.0", 10.0), ("1.1", pytest.approx(10.06))]


def test_a_far_end_that_never_answers_is_believed_in_the_end() -> None:
    playout, _, reached = _playout(FULL)
    playout.write(1, FRAME, now=10.0)
    playout.mark("1.1")
    playout.end(1, now=10.0)
    playout.tick(10.0 + ACK_PATIENCE_S)
    assert reached == []
    playout.tick(10.1 + ACK_PATIENCE_S)
    assert [name for name, _ in reached] == ["1.1"]


def test_holding_stops_at_once_and_goes_on_at_the_same_sample() -> None:
    playout, wire, _ = _playout(FULL)
    playout.write(1, FRAME * 50, now=10.0)
    playout.hold(10.01)
    playout.hold(10.01)
    playout.tick(11.0)
    assert wire.log[5:] == ["pause 1"]
    assert playout.played_ms(11.0) == pytest.approx(10.0)
    playout.release(11.0)
    assert wire.log[6] == "resume 1"
    playout.tick(11.01)
    assert wire.frames() == 6
    assert playout.played_ms(11.01) == pytest.approx(20.0)


def test_a_far_end_that_cannot_hold_plays_out_its_lead_and_gets_a_new_one() -> None:
    playout, wire, _ = _playout(Capabilities(rate_hz=16000, clear=True, lead_s=0.1))
    playout.write(1, FRAME * 50, now=10.0)
    playout.hold(10.01)
    assert playout.played_ms(10.51) == pytest.approx(100.0)
    playout.release(10.51)
    assert wire.frames() == 10
    assert playout.played_ms(10.53) == pytest.approx(120.0)


def test_what_is_held_before_it_sounds_needs_no_pause() -> None:
    playout, wire, _ = _playout(FULL)
    playout.hold(9.0)
    playout.write(1, FRAME * 50, now=10.0)
    assert wire.log == []
    playout.release(12.0)
    assert wire.frames() == 5


def test_a_pause_that_crosses_the_last_sound_is_ended_all_the_same() -> None:
    playout, wire, _ = _playout(FULL)
    playout.write(1, FRAME, now=10.0)
    playout.end(1, now=10.0)
    playout.hold(10.02)
    playout.finish()  # the far end had played it all when it was told to hold
    playout.begin(2)
    playout.release(10.5)
    assert wire.log == ["frame", "pause 1", "resume 1"]
    playout.write(2, FRAME, now=10.6)
    assert wire.log[3:] == ["frame"]


def test_a_far_end_that_holds_and_cannot_clear_goes_on() -> None:
    playout, wire, _ = _playout(Capabilities(rate_hz=16000, mark=True, pause=True))
    playout.write(1, FRAME * 5, now=10.0)
    playout.hold(10.02)
    playout.clear(10.04)
    playout.release(10.06)
    assert wire.log == ["frame", "pause 1", "clear 1", "resume 1"]


def test_nothing_of_a_cleared_turn_is_sent() -> None:
    playout, wire, reached = _playout(FULL)
    playout.write(1, FRAME * 50, now=10.0)
    playout.mark("1.1")
    assert playout.clear(10.05) == pytest.approx(50.0)
    playout.write(1, FRAME * 50, now=10.06)
    playout.end(1, now=10.06)
    playout.tick(12.0)
    assert wire.log == ["frame"] * 5 + ["clear 1"]
    assert not playout.playing
    assert reached == []


def test_another_rate() -> None:
    wire = Wire(Capabilities(rate_hz=16000))
    playout = Playout(wire, 8000, _Ticker(), lambda name, at: None)
    playout.begin(1)
    playout.write(1, FRAME * 25, now=0.0)  # a second at 8 kHz
    playout.end(1, now=0.0)
    playout.tick(5.0)
    assert wire.frames() == pytest.approx(50, abs=1)


def test_what_was_played_and_when_is_told_without_what_the_far_end_holds() -> None:
    playout, _, _ = _playout(FULL)
    playout.write(1, FRAME * 50, now=10.0)
    playout.hold(10.05)
    assert [due for due, _ in playout.played()] == pytest.approx([10.0, 10.02, 10.04])
    playout.release(10.55)
    playout.tick(10.55)
    assert [due for due, _ in playout.played()][:6] == pytest.approx(
        [10.0, 10.02, 10.04, 10.56, 10.58, 10.6]
    )


def test_a_far_end_that_cannot_hold_plays_what_it_has() -> None:
    playout, _, _ = _playout(Capabilities(rate_hz=16000, lead_s=0.1))
    playout.write(1, FRAME * 50, now=10.0)
    playout.hold(10.05)
    assert len(playout.played()) == 5
