"""Reading aloud: the synthesiser gets a line's spoken form, everyone else the written one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from engine.frames import Frame, Say
from engine.link import Link
from engine.stage import Outlet, Service
from pipelines.speech.lines import alone

__all__ = ["ReadAloud"]


class ReadAloud:
    """The service `tts`, which speaks ``spoken(line.text)``; the line itself passes as written.

    For voices that read what they are given. `tts` is run once for each line.
    """

    def __init__(self, tts: Service, spoken: Callable[[str], str]) -> None:
        self._tts = tts
        self._spoken = spoken

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`. Cancelling is safe if it is for the synthesiser."""
        async for frame in inbox:
            if isinstance(frame, Say):
                text = self._spoken(frame.text)
                await self._tts.run(alone(replace(frame, text=text)), _Written(frame, outbox))
            else:
                await outbox.put(frame)


class _Written:
    """Puts the written line in the place of the spoken one."""

    def __init__(self, line: Say, outbox: Outlet) -> None:
        self._line = line
        self._outbox = outbox

    async def put(self, frame: Frame) -> None:
        await self._outbox.put(self._line if isinstance(frame, Say) else frame)
