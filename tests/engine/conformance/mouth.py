"""What every `Mouth` does. Each case takes one that can speak, and is run on the loop whose time
the mouth's clock is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

from engine.budget import MARKS, Mark
from engine.flow import Think
from engine.frames import Say
from engine.mouth import Mouth
from engine.turn import Turn

__all__ = ["CASES"]

LINES = ("Bonjour, vous m'entendez bien ?", "Je vous écoute.")
PATIENCE_S = 30.0
"""Longer than any mouth takes for the lines above."""


async def lines(*texts: str) -> AsyncGenerator[Say | Think, None]:
    for text in texts:
        yield Say(text)


async def speak(mouth: Mouth, turn: Turn, *texts: str) -> None:
    async with asyncio.timeout(PATIENCE_S), aclosing(lines(*texts)) as reply:
        await mouth.speak(turn, reply)


async def interrupt(mouth: Mouth, turn: Turn, until: Mark) -> None:
    """Cancel the turn at the moment of a mark."""
    reached = asyncio.Event()
    turn.on_mark = lambda mark: reached.set() if mark is until else None
    speaking = asyncio.create_task(speak(mouth, turn, *LINES))
    async with asyncio.timeout(PATIENCE_S):
        await reached.wait()
    speaking.cancel()
    await asyncio.wait({speaking}, timeout=0.1)
    assert speaking.cancelled(), "it stops at once"
    turn.on_mark = None
    turn.interrupted = True


async def what_was_played_was_said(mouth: Mouth) -> None:
    turn = Turn(1)
    await speak(mouth, turn, *LINES)
    assert turn.lines == list(LINES)
    assert turn.said == " ".join(LINES)


async def its_marks_are_set_in_order(mouth: Mouth) -> None:
    seen: list[Mark] = []
    turn = Turn(1, on_mark=seen.append)
    await speak(mouth, turn, *LINES)
    assert seen == sorted(seen, key=MARKS.index)
    assert seen[-3:] == [Mark.FIRST_SENTENCE, Mark.FIRST_AUDIO, Mark.FIRST_PLAYED]
    times = [turn.marks[mark] for mark in seen]
    assert times == sorted(times)


async def a_reply_of_nothing_is_over_at_once(mouth: Mouth) -> None:
    turn = Turn(1)
    await speak(mouth, turn)
    assert (turn.lines, turn.said, turn.marks) == ([], "", {})


async def turns_follow_one_another(mouth: Mouth) -> None:
    for epoch, text in enumerate(LINES, start=1):
        turn = Turn(epoch)
        await speak(mouth, turn, text)
        assert turn.said == text


async def a_turn_that_nothing_was_heard_of_said_nothing(mouth: Mouth) -> None:
    turn = Turn(1)
    await interrupt(mouth, turn, until=Mark.FIRST_SENTENCE)
    mouth.reached(turn)
    assert turn.said == ""
    assert Mark.FIRST_PLAYED not in turn.marks


async def an_interrupted_turn_said_no_more_than_was_played(mouth: Mouth) -> None:
    turn = Turn(1)
    await interrupt(mouth, turn, until=Mark.FIRST_PLAYED)
    mouth.reached(turn)
    assert len(turn.said) < len(" ".join(LINES))
    assert " ".join(LINES).startswith(turn.said)
    said = turn.said
    after = Turn(2)
    await speak(mouth, after, LINES[1])
    assert turn.said == said, "the next turn's words are not its own"
    assert after.said == LINES[1]


async def cancelled_while_the_reply_is_being_written(mouth: Mouth) -> None:
    async def endless() -> AsyncGenerator[Say | Think, None]:
        await asyncio.sleep(PATIENCE_S)
        yield Say("trop tard")

    turn = Turn(1)
    async with aclosing(endless()) as reply:
        speaking = asyncio.create_task(mouth.speak(turn, reply))
        await asyncio.sleep(0.1)
        speaking.cancel()
        await asyncio.wait({speaking}, timeout=0.1)
        assert speaking.cancelled()
    assert turn.lines == []
    await turns_follow_one_another(mouth)


CASES = [
    what_was_played_was_said,
    its_marks_are_set_in_order,
    a_reply_of_nothing_is_over_at_once,
    turns_follow_one_another,
    a_turn_that_nothing_was_heard_of_said_nothing,
    an_interrupted_turn_said_no_more_than_was_played,
    cancelled_while_the_reply_is_being_written,
]
