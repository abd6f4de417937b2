"""A recogniser that fails or hangs is replaced."""

from __future__ import annotations

import asyncio

import pytest

from engine.errors import SpeechError
from engine.frames import Frame, SpeechStarted, Transcript
from engine.link import Link
from engine.stage import Outlet
from pipelines.recognition import RESTART_S, Recognition
from tests.virtual import virtual


class _Recogniser:
    """Answers each beginning of speech with its number; the first one does as told."""

    made = 0

    def __init__(self, first: str) -> None:
        type(self).made += 1
        self.number = self.made
        self._does = first if self.number == 1 else ""

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        async for frame in inbox:
            if self._does == "raise":
                raise SpeechError("broken")
            if self._does == "return":
                return
            if self._does == "hang":
                await asyncio.Event().wait()
            await outbox.put(Transcript(str(self.number), True, frame.at))  # type: ignore[union-attr]


@virtual
@pytest.mark.parametrize("how", ["raise", "return", "hang"])
async def test_another_takes_its_place(how: str) -> None:
    _Recogniser.made = 0
    texts: list[str] = []
    lost: list[str] = []

    def transcribed(frame: Frame) -> None:
        assert isinstance(frame, Transcript)
        texts.append(frame.text)

    recognition = Recognition(
        lambda: _Recogniser(how), transcribed, lambda error: lost.append(str(error))
    )
    recognition.give_up()  # before it runs: nothing to give up
    running = asyncio.create_task(recognition.run())
    recognition.feed(SpeechStarted(0.0, 0.0))
    await asyncio.sleep(0.01)
    if how == "hang":
        recognition.give_up()
        recognition.give_up()
    await asyncio.sleep(0.01)
    assert lost == [
        "broken"
        if how == "raise"
        else "the recogniser gave no result in time; a new one was started"
    ]
    await asyncio.sleep(RESTART_S)
    recognition.feed(SpeechStarted(1.0, 1.0))
    await asyncio.sleep(0.01)
    assert texts == ["2"]
    running.cancel()
    await asyncio.wait({running})


@virtual
async def test_one_that_takes_nothing_is_given_up() -> None:
    _Recogniser.made = 0
    lost: list[Exception] = []
    recognition = Recognition(lambda: _Recogniser("hang"), lambda frame: None, lost.append)
    running = asyncio.create_task(recognition.run())
    await asyncio.sleep(0.01)
    for _ in range(100):
        recognition.feed(SpeechStarted(0.0, 0.0))
    await asyncio.sleep(0.01)
    assert len(lost) == 1
    running.cancel()
    await asyncio.wait({running})
