"""A connection that Asterisk's sound comes over: first MEDIA_START, which makes the channel, then
what the call brings."""

from __future__ import annotations

import asyncio

from engine.errors import PalabreError
from telephony.asterisk.media.channel import AsteriskChannel, opened
from telephony.wire import Wire

__all__ = ["START_S", "Line", "MediaError", "ended"]

START_S = 3.0
"""How long Asterisk may take to dial us, or to begin: on loopback both take milliseconds."""


class MediaError(PalabreError):
    """The sound of a call does not come about. `code` says at which step, the message what to do.

    ``asterisk.media_refused``   Asterisk or its HTTP server would not have the connection
    ``asterisk.media_timeout``   nothing came in time
    ``asterisk.media_lost``      it ended before it began
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Line:
    """What `server.connection.connected` brings messages to; `start` waits for the channel."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.channel: AsteriskChannel | None = None
        self._error: PalabreError | None = None
        self._known = asyncio.Event()

    async def start(self) -> AsteriskChannel:
        """The channel, as soon as Asterisk has said what it carries.

        Raises MediaError, ProtocolError or ConfigurationError. Cancelling is safe.
        """
        try:
            async with asyncio.timeout(START_S):
                await self._known.wait()
        except TimeoutError:
            raise MediaError(
                "asterisk.media_timeout",
                f"connected, but no MEDIA_START within {START_S:g} s; is it Asterisk's /media?",
            ) from None
        if self.channel is None:
            assert self._error is not None
            raise self._error
        return self.channel

    def received(self, message: bytes | str, now: float) -> None:
        if self.channel is not None:
            self.channel.received(message, now)
        elif isinstance(message, str) and self._error is None:
            try:
                self.channel = opened(message, self.wire)
            except PalabreError as error:
                self._error = error
            self._known.set()

    def watch(self, now: float) -> None:
        if self.channel is not None:
            self.channel.watch(now)

    def lost(self, reason: str, fault: str | None = None) -> None:
        if self.channel is not None:
            self.channel.lost(reason, fault)
        elif self._error is None:
            self._error = MediaError(
                "asterisk.media_lost", "the connection ended before it said what it carries"
            )
            self._known.set()

    def fail(self, code: str, message: str) -> None:
        if self.channel is not None:
            self.channel.fail(code, message)
        else:
            self.wire.close(1011, code)


def ended(close_code: int) -> str | None:
    """The fault that Asterisk's end of a connection stands for; None for a hang-up: 1000, or 1001
    for one of ours."""
    if close_code in (1000, 1001):
        return None
    return "asterisk.vanished" if close_code == 1006 else "asterisk.closed"
