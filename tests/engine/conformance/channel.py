"""What every `AudioChannel` does, seen from a person at its far end.

Each case takes a channel with `FarEnd.capabilities` all true and, as a `FarEnd`, what arrives
there. A far end plays in real time; `wait` lets time go by.
"""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Protocol

import pytest

from engine.channel import AudioChannel
from engine.frames import Cleared, Dtmf, Frame, Hangup, Mark, Played, Say

__all__ = ["CASES", "FarEnd"]

SLACK_MS = 40.0
"""A far end may answer up to two frames of 20 ms off."""


class FarEnd(Protocol):
    """The other side of a channel."""

    def deliver(self, frame: Frame) -> None:
        """The person does `frame`: Dtmf or Hangup."""
        ...

    @property
    def heard(self) -> bytes:
        """All sound that arrived."""
        ...

    def wait(self, seconds: float) -> Awaitable[None]: ...


def sound(channel: AudioChannel, ms: int, value: int = 1) -> bytes:
    return value.to_bytes(2, "little") * (channel.capabilities.rate_hz * ms // 1000)


def attach(channel: AudioChannel) -> list[Frame]:
    received: list[Frame] = []
    channel.attach(received.append)
    return received


def played(frames: Sequence[Frame]) -> list[str]:
    return [frame.name for frame in frames if isinstance(frame, Played)]


def cleared(frames: Sequence[Frame]) -> list[Cleared]:
    return [frame for frame in frames if isinstance(frame, Cleared)]


async def sound_arrives_whole_and_in_order(channel: AudioChannel, far: FarEnd) -> None:
    attach(channel)
    sent = [sound(channel, 20, value) for value in range(1, 11)]
    for pcm in sent:
        channel.play(pcm)
    await far.wait(0.5)
    assert far.heard == b"".join(sent)


async def marks_come_back_when_what_was_before_them_is_played(
    channel: AudioChannel, far: FarEnd
) -> None:
    received = attach(channel)
    channel.send(Mark("1.0"))
    await far.wait(0.05)
    assert played(received) == ["1.0"], "nothing was before it"
    channel.play(sound(channel, 200))
    channel.send(Mark("1.1"))
    channel.play(sound(channel, 200))
    channel.send(Mark("1.2"))
    await far.wait(0.1)
    assert played(received) == ["1.0"]
    await far.wait(0.15)
    assert played(received) == ["1.0", "1.1"]
    await far.wait(0.25)
    assert played(received) == ["1.0", "1.1", "1.2"]


async def a_pause_holds_and_tells_how_far_it_got(channel: AudioChannel, far: FarEnd) -> None:
    received = attach(channel)
    channel.send(Say("Bonjour.", epoch=1))
    channel.play(sound(channel, 400))
    channel.send(Mark("1.1"))
    await far.wait(0.2)
    channel.pause(1)
    await far.wait(1.0)
    assert [frame.epoch for frame in cleared(received)] == [1]
    assert cleared(received)[0].played_ms == pytest.approx(200, abs=SLACK_MS)
    assert played(received) == [], "it is held"
    channel.resume(1)
    await far.wait(0.1)
    assert played(received) == [], "it goes on where it was, not from the end"
    await far.wait(0.2)
    assert played(received) == ["1.1"]


async def clearing_forgets_sound_and_marks_and_tells_how_far_it_got(
    channel: AudioChannel, far: FarEnd
) -> None:
    received = attach(channel)
    channel.send(Say("Bonjour.", epoch=1))
    channel.play(sound(channel, 400))
    channel.send(Mark("1.1"))
    await far.wait(0.1)
    channel.clear(1)
    await far.wait(1.0)
    assert played(received) == []
    assert [frame.epoch for frame in cleared(received)] == [1]
    assert cleared(received)[0].played_ms == pytest.approx(100, abs=SLACK_MS)
    channel.send(Say("Encore.", epoch=2))
    channel.play(sound(channel, 100))
    channel.send(Mark("2.1"))
    await far.wait(0.15)
    assert played(received) == ["2.1"], "what comes after is played at once"


async def clearing_ends_a_pause(channel: AudioChannel, far: FarEnd) -> None:
    received = attach(channel)
    channel.send(Say("Bonjour.", epoch=1))
    channel.play(sound(channel, 400))
    await far.wait(0.1)
    channel.pause(1)
    await far.wait(0.1)
    channel.clear(1)
    await far.wait(0.1)
    held, dropped = cleared(received)
    assert dropped.played_ms == pytest.approx(held.played_ms, abs=SLACK_MS)
    channel.play(sound(channel, 100))
    channel.send(Mark("2.1"))
    await far.wait(0.15)
    assert played(received) == ["2.1"]


async def what_the_person_does_comes_in_order(channel: AudioChannel, far: FarEnd) -> None:
    received = attach(channel)
    for digit in "42#":
        far.deliver(Dtmf(digit, 0.0))
    far.deliver(Hangup("caller"))
    await far.wait(0.05)
    keys = [frame.digit for frame in received if isinstance(frame, Dtmf)]
    assert keys == ["4", "2", "#"]
    assert isinstance(received[-1], Hangup)


async def a_hang_up_that_came_first_is_told_to_whoever_comes(
    channel: AudioChannel, far: FarEnd
) -> None:
    """Or a call would be held with nobody at its other end."""
    far.deliver(Hangup("caller"))
    await far.wait(0.05)
    received = attach(channel)
    assert [type(frame) for frame in received] == [Hangup]


async def nothing_is_sent_after_closing(channel: AudioChannel, far: FarEnd) -> None:
    attach(channel)
    channel.play(sound(channel, 20))
    channel.close("completed")
    channel.close("again")
    await far.wait(0.1)
    heard = far.heard
    channel.play(sound(channel, 20))
    channel.send(Say("trop tard"))
    channel.pause(1)
    channel.resume(1)
    channel.clear(1)
    await far.wait(0.1)
    assert far.heard == heard


async def what_a_channel_has_no_form_for_is_left_out(channel: AudioChannel, far: FarEnd) -> None:
    attach(channel)
    channel.send(Cleared(1, 0.0, 0.0))
    channel.play(sound(channel, 20))
    await far.wait(0.1)
    assert far.heard == sound(channel, 20)


CASES = [
    sound_arrives_whole_and_in_order,
    marks_come_back_when_what_was_before_them_is_played,
    a_pause_holds_and_tells_how_far_it_got,
    clearing_forgets_sound_and_marks_and_tells_how_far_it_got,
    clearing_ends_a_pause,
    what_the_person_does_comes_in_order,
    a_hang_up_that_came_first_is_told_to_whoever_comes,
    nothing_is_sent_after_closing,
    what_a_channel_has_no_form_for_is_left_out,
]
