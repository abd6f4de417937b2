import asyncio
from collections.abc import AsyncGenerator

import pytest

from engine.frames import Audio, Say
from pipelines.speech.lines import pause_ms, put_line
from tests.pipelines.speech.harness import Outbox
from tests.virtual import virtual


class Pieces:
    """Three pieces of sound; knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    async def stream(self) -> AsyncGenerator[bytes, None]:
        try:
            for _ in range(3):
                await asyncio.sleep(1)
                yield bytes(640)
        finally:
            self.closed = True


@virtual
async def test_the_line_comes_first_and_a_pause_last() -> None:
    outbox, pieces = Outbox(), Pieces()
    await put_line(Say("Bien."), pieces.stream(), outbox)
    line, *audio = outbox.frames
    assert line == Say("Bien.")
    assert [frame.at for frame in audio if isinstance(frame, Audio)] == pytest.approx(
        [0.0, 0.02, 0.04, 0.06]
    )
    assert isinstance(audio[-1], Audio)
    assert audio[-1].pcm == bytes(6400)
    assert pieces.closed


@virtual
async def test_cancelling_closes_what_makes_the_sound() -> None:
    outbox, pieces = Outbox(), Pieces()
    task = asyncio.create_task(put_line(Say("Bien."), pieces.stream(), outbox))
    await asyncio.sleep(1.5)
    task.cancel()
    await asyncio.wait({task})
    assert pieces.closed
    assert len(outbox.frames) == 2


@virtual
async def test_a_line_without_sound_has_no_pause() -> None:
    silence: list[bytes] = []

    async def nothing() -> AsyncGenerator[bytes, None]:
        for pcm in silence:
            yield pcm

    outbox = Outbox()
    await put_line(Say("…"), nothing(), outbox)
    assert outbox.frames == [Say("…")]


def test_a_comma_is_shorter_than_a_full_stop() -> None:
    assert pause_ms("Bien,") == pause_ms("Bien, »") < pause_ms("Bien.") == pause_ms("Bien !")
