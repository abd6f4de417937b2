"""The queue that a track pulls: frames, marks, pauses and clears."""

from __future__ import annotations

from telephony.webrtc.playout import PlayoutQueue

FRAME = 640  # bytes of 20 ms at 16 kHz


def sound(ms: int, value: int) -> bytes:
    return bytes([value, 0]) * (16 * ms)


def test_what_is_not_there_is_silence() -> None:
    assert PlayoutQueue(16000).pull() == (b"", [])


def test_sound_of_any_length_comes_in_frames_and_the_last_is_filled_up() -> None:
    queue = PlayoutQueue(16000)
    for ms in (5, 30, 0, 10):
        queue.sound(sound(ms, 1))
    frames = [queue.pull()[0] for _ in range(3)]
    assert b"".join(frames) == sound(45, 1) + sound(15, 0)
    assert queue.pull() == (b"", [])


def test_a_mark_is_reached_when_the_frame_before_it_is_over() -> None:
    queue = PlayoutQueue(16000)
    queue.mark("1.0")
    queue.sound(sound(20, 1))
    queue.mark("1.1")
    queue.sound(sound(30, 2))
    queue.mark("1.2")
    assert queue.pull() == (sound(20, 1), ["1.0"])
    assert queue.pull() == (sound(20, 2), ["1.1"])
    assert queue.pull() == (sound(10, 2) + sound(10, 0), [])
    assert queue.pull() == (b"", ["1.2"])


def test_a_mark_within_a_frame_is_reached_with_it() -> None:
    queue = PlayoutQueue(16000)
    queue.sound(sound(10, 1))
    queue.mark("1.1")
    queue.sound(sound(10, 2))
    assert queue.pull() == (sound(10, 1) + sound(10, 2), [])
    assert queue.pull() == (b"", ["1.1"])


def test_a_pause_holds_what_was_not_pulled() -> None:
    queue = PlayoutQueue(16000)
    queue.turn = 1
    queue.sound(sound(60, 1))
    queue.mark("1.1")
    queue.pull()
    queue.paused = True
    assert queue.pull() == (b"", [])
    assert queue.played_ms(1) == 20
    queue.paused = False
    assert queue.pull()[0] == sound(20, 1)
    queue.pull()
    assert queue.played_ms(1) == 60
    assert queue.pull() == (b"", ["1.1"])


def test_clearing_drops_one_turn_and_ends_a_pause() -> None:
    queue = PlayoutQueue(16000)
    queue.turn = 1
    queue.sound(sound(40, 1))
    queue.mark("1.1")
    queue.turn = 2
    queue.sound(sound(20, 2))
    queue.mark("2.1")
    queue.pull()
    queue.paused = True
    queue.clear(1)
    assert queue.pull() == (sound(20, 2), [])
    assert queue.pull() == (b"", ["2.1"])
    assert (queue.played_ms(1), queue.played_ms(2), queue.played_ms(3)) == (20, 20, 0)


def test_silence_that_fills_a_frame_up_is_nobodys() -> None:
    queue = PlayoutQueue(16000)
    queue.turn = 1
    queue.sound(sound(5, 1))
    assert len(queue.pull()[0]) == FRAME
    assert queue.played_ms(1) == 5
