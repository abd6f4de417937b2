"""The recogniser of one call, for as long as the call lasts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from engine.errors import SpeechError
from engine.frames import Frame
from engine.pipeline import Pipeline
from engine.stage import Service

__all__ = ["RESTART_S", "Recognition"]

RESTART_S = 0.1
"""Pause before a failed recogniser's successor listens: a broken one must not spin."""


class Recognition:
    """Runs the service that `stt` makes, and a new one in the place of one that fails or is stuck.

    `transcribed` gets what it puts out; `lost` is told of one that failed, and what that was to
    recognise is lost.
    """

    def __init__(
        self,
        stt: Callable[[], Service],
        transcribed: Callable[[Frame], None],
        lost: Callable[[Exception], None],
    ) -> None:
        self._stt = stt
        self._transcribed = transcribed
        self._lost = lost
        self._recogniser = Pipeline([stt()], transcribed)
        self._stuck: asyncio.Future[None] | None = None

    def feed(self, frame: Frame) -> None:
        """Never waits. One that takes no more is given up."""
        if not self._recogniser.feed(frame):
            self.give_up()

    def give_up(self) -> None:
        """It is stuck: have it replaced."""
        if self._stuck is not None and not self._stuck.done():
            self._stuck.set_result(None)

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self._stuck = asyncio.get_running_loop().create_future()
            running = asyncio.create_task(self._recogniser.run(), name="recogniser")
            try:
                await asyncio.wait({running, self._stuck}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                running.cancel()
                await asyncio.wait({running})
            error = None if running.cancelled() else running.exception()
            if not isinstance(error, Exception):
                error = SpeechError("the recogniser gave no result in time; a new one was started")
            self._recogniser = Pipeline([self._stt()], self._transcribed)
            self._lost(error)
            await asyncio.sleep(RESTART_S)
