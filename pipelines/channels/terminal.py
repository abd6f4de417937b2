"""The terminal as a channel: a line typed is a message."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, Callable

from engine.channel import Capabilities, Receiver
from engine.clock import Clock
from engine.frames import Frame, Hangup, Heard, StateChanged
from engine.turn import State

__all__ = ["TerminalChannel"]

SETTLE_S = 0.02
"""After an answer, for the conversation to end if that was its last."""


class TerminalChannel:
    """An `engine.channel.Channel`: `show` displays what is sent.

    Lines of a `script` (a file or a pipe) are each taken when the one before was answered, as a
    person would write them.
    """

    capabilities = Capabilities()

    def __init__(
        self, show: Callable[[Frame], None], clock: Clock, *, script: bool = False
    ) -> None:
        self._show = show
        self._clock = clock
        self._script = script
        self._receiver: Receiver = lambda frame: None
        self._answered = asyncio.Event()
        self._closing = False
        self._closed = False

    def attach(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def send(self, frame: Frame) -> None:
        if self._closed:
            return
        if isinstance(frame, StateChanged):
            if frame.state in (State.LISTENING, State.CLOSED):
                self._closing = frame.state == State.CLOSED
                self._answered.set()
            else:
                self._answered.clear()
        self._show(frame)

    def close(self, reason: str) -> None:
        if not self._closed:
            self._closed = True
            self._answered.set()
            self._show(Hangup(reason))

    async def read(self, lines: AsyncIterable[str]) -> None:
        """Deliver `lines` until they end, which hangs up. Cancelling is safe."""
        async for line in lines:
            if self._script:
                await self._settled()
            if self._closed or self._closing:
                return
            if line.strip():
                self._answered.clear()
                at = self._clock.now()
                message = Heard(line.strip(), at, at, at)
                if self._script:
                    self._show(message)
                self._receiver(message)
        await self._settled()
        self.hang_up()

    async def _settled(self) -> None:
        await self._answered.wait()
        await asyncio.sleep(SETTLE_S)

    def hang_up(self) -> None:
        """The person leaves."""
        self._receiver(Hangup("caller"))
