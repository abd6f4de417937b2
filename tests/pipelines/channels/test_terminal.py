"""The terminal as a channel."""

import asyncio
from collections.abc import AsyncIterator

from engine.clock import LoopClock
from engine.frames import Frame, Hangup, Heard, Say, StateChanged
from pipelines.channels.terminal import TerminalChannel
from tests.virtual import virtual


async def lines(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


@virtual
async def test_lines_of_a_script_wait_for_the_answer() -> None:
    shown: list[Frame] = []
    received: list[Frame] = []
    channel = TerminalChannel(shown.append, LoopClock(), script=True)
    channel.attach(received.append)
    reading = asyncio.create_task(channel.read(lines("one\n", " \n", "two\n")))
    await asyncio.sleep(1)
    assert received == []
    for _ in range(3):
        channel.send(StateChanged("processing"))
        await asyncio.sleep(1)
        channel.send(StateChanged("listening"))
        await asyncio.sleep(1)
    await reading
    texts = [frame.text for frame in received if isinstance(frame, Heard)]
    assert texts == ["one", "two"]
    assert received[-1] == Hangup("caller")
    assert [frame for frame in shown if isinstance(frame, Heard)] == received[:-1]


@virtual
async def test_what_a_person_types_is_taken_at_once() -> None:
    received: list[Frame] = []
    channel = TerminalChannel(lambda frame: None, LoopClock())
    channel.attach(received.append)
    channel.send(StateChanged("processing"))
    reading = asyncio.create_task(channel.read(lines("one", "two")))
    await asyncio.sleep(1)
    assert len(received) == 2
    channel.close("completed")
    await reading


@virtual
async def test_nothing_is_shown_or_read_after_the_end() -> None:
    shown: list[Frame] = []
    channel = TerminalChannel(shown.append, LoopClock(), script=True)
    channel.close("completed")
    channel.close("again")
    channel.send(Say("late"))
    await channel.read(lines("one"))
    assert shown == [Hangup("completed")]
