"""A channel of Asterisk that a call waits for, as far as it has come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import IntEnum

from engine.errors import PalabreError
from telephony.asterisk.ari.events import (
    Channel,
    ChannelDestroyed,
    ChannelHangupRequest,
    ChannelStateChange,
    Dial,
    Event,
    StasisEnd,
    StasisStart,
)

__all__ = ["Leg", "LegGone", "Reached"]


class LegGone(PalabreError):
    """The channel is no more; `leg` says why."""

    code = "asterisk.channel_gone"

    def __init__(self, leg: Leg) -> None:
        super().__init__(f"the channel ended with cause {leg.cause}")
        self.leg = leg


class Reached(IntEnum):
    """How far a channel has come; it never goes back."""

    NOTHING = 0
    ENTERED = 1
    """It is in our application: it can be bridged."""
    RINGING = 2
    PROGRESS = 3
    """The network speaks, and nobody has answered yet."""
    ANSWERED = 4
    GONE = 5


class Leg:
    """The channel `id`; `changed` is told what it reaches, once each.

    `cause` and `tech_cause` are why it ended, 0 and None where nobody said; `args` are what the
    dialplan brought it to our application with, when it last did. One that is `handed_over` talks
    to somebody else, and the end of the call that it came by is not its own.
    """

    def __init__(self, channel_id: str, changed: Callable[[Reached], None] | None = None) -> None:
        self.id = channel_id
        self.args: tuple[str, ...] = ()
        self.entered = False
        self.rang = False
        self.answered = False
        self.gone = False
        self.handed_over = False
        self.cause = 0
        self.tech_cause: int | None = None
        self._changed = changed
        self._on_gone: list[Callable[[], None]] = []
        self._moved = asyncio.Event()

    def take(self, event: Event) -> None:
        """Something happened to the channel."""
        match event:
            case StasisStart(args=args):
                self.args = args
                self._reach(Reached.ENTERED)
            case Dial(status="RINGING"):
                self._reach(Reached.RINGING)
            case Dial(status="PROGRESS"):
                self._reach(Reached.PROGRESS)
            case Dial(status="ANSWER"):
                self._reach(Reached.ANSWERED)
            case ChannelStateChange(channel=channel):
                self.at(channel)
            case ChannelHangupRequest(cause=cause, tech_cause=tech_cause):
                # 32 is the wish alone, ours most of the time; 127 the channel's own not knowing.
                self.cause = cause if cause not in (None, 32) else self.cause
                self.tech_cause = tech_cause or self.tech_cause
            case ChannelDestroyed(cause=cause, tech_cause=tech_cause):
                self.cause, self.tech_cause = cause, tech_cause
                self._reach(Reached.GONE)
            case _:
                pass

    def left(self, event: StasisEnd) -> None:
        """It left our application: so ends what we are told of a channel that came to us."""
        self._reach(Reached.GONE)

    def at(self, channel: Channel) -> None:
        """Its state as it was seen."""
        if channel.state == "Ringing":
            self._reach(Reached.RINGING)
        elif channel.state == "Up":
            self._reach(Reached.ANSWERED)

    def vanished(self) -> None:
        """It ended while nobody could tell us."""
        self._reach(Reached.GONE)

    def _reach(self, what: Reached) -> None:
        if self.gone:
            return
        match what:
            case Reached.ENTERED:
                self.entered = True
            case Reached.RINGING if self.rang:
                return
            case Reached.RINGING:
                self.rang = True
            case Reached.ANSWERED if self.answered:
                return
            case Reached.ANSWERED:
                self.answered = True
            case Reached.GONE:
                self.gone = True
            case _:
                pass
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
        if self._changed is not None:
            self._changed(what)
        if self.gone:
            waiting, self._on_gone = self._on_gone, []
            for callback in waiting:
                callback()

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Call `callback` once it is gone; now, if it is."""
        if self.gone:
            callback()
        else:
            self._on_gone.append(callback)

    async def in_application(self) -> None:
        """Wait until it is in our application. Raises LegGone. Cancelling is safe."""
        await self._until(lambda: self.entered)

    async def brought(self) -> tuple[str, ...]:
        """Wait until the dialplan brings it to our application with arguments. Raises LegGone.
        Cancelling is safe."""
        await self._until(lambda: bool(self.args))
        return self.args

    async def taken(self) -> None:
        """Wait until it is answered. Raises LegGone. Cancelling is safe."""
        await self._until(lambda: self.answered)

    async def ended(self) -> None:
        """Wait until it is gone. Cancelling is safe."""
        while not self.gone:
            await self._moved.wait()

    async def _until(self, reached: Callable[[], bool]) -> None:
        while not reached():
            if self.gone:
                raise LegGone(self)
            await self._moved.wait()
