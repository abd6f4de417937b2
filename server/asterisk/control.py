"""Our part of an Asterisk: the application's connection, the channels and bridges of its calls.

Whatever a call makes is named after our application (`Control.name`), noted here while the call
lasts, and handed to `discard` at its end, whatever ended it. Nothing of a call therefore waits for
Asterisk while it ends; and what could not be deleted, because the connection was gone or the engine
was killed, is recognised by its name at the next connection and deleted then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any

import structlog

from engine.errors import ConfigurationError
from server.asterisk.inventory import Inventory, Names
from server.asterisk.leg import Leg, Reached
from server.asterisk.sweeper import Sweeper
from telephony.asterisk.ari.client import Ari
from telephony.asterisk.ari.connection import Backoff, connect, listening
from telephony.asterisk.ari.errors import AriError
from telephony.asterisk.ari.events import (
    ApplicationReplaced,
    Channel,
    ChannelDestroyed,
    ChannelHangupRequest,
    ChannelStateChange,
    Dial,
    Event,
    StasisEnd,
    StasisStart,
)

__all__ = ["Control"]

log = structlog.get_logger()

NOISE = ("ChannelVarset", "ChannelDialplan", "ChannelCallerId", "ChannelConnectedLine")
"""Events that Asterisk need not send: a call makes 20 of them, of 800 bytes each."""

FATAL = {"ari.credentials", "ari.forbidden", "ari.not_there"}
"""What no waiting mends, at the first connection; later ones may meet an Asterisk in the midst of
being configured."""


class Control:
    """Stays connected as the application `app`, from `run`'s start to its end.

    `url` is ARI's; with `listen`, a host and a port, Asterisk dials us there instead. An
    application belongs to one engine.
    """

    inbound: Callable[[StasisStart, Leg], Coroutine[Any, Any, None]]
    """Holds a call that came to us to its end; set it before `run`."""

    def __init__(
        self,
        app: str,
        *,
        url: str = "",
        user: str = "",
        password: str = "",
        listen: tuple[str, int] | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.app = app
        self.connections = 0
        """How many there have been."""
        self._url, self._user, self._password = url, user, password
        self._listen = listen
        self._backoff = backoff or Backoff()
        self._names = Names(app)
        self._legs: dict[str, Leg] = {}
        self._bridges: set[str] = set()
        self._ari: Ari | None = None
        self._problem = "not connected to Asterisk yet"
        self._replaced = False
        self._sweeper = Sweeper(lambda: self._ari)
        self._group: asyncio.TaskGroup | None = None
        self._connected = asyncio.Event()

    # What calls need

    @property
    def ari(self) -> Ari:
        """The connection. Raises AriError while there is none."""
        if self._ari is None:
            raise AriError("ari.unreachable", self._problem)
        return self._ari

    async def check(self) -> str | None:
        """What is wrong with the connection; None where nothing is."""
        return None if self._ari is not None else self._problem

    def name(self, kind: str, session_id: str) -> str:
        """What a channel or bridge of ours is called: ``palabre.media.0123456789abcdef``."""
        return self._names.make(kind, session_id)

    def leg(self, channel_id: str, changed: Callable[[Reached], None] | None = None) -> Leg:
        """Follow a channel: before it is asked for, until `discard`."""
        leg = self._legs[channel_id] = Leg(channel_id, changed)
        return leg

    def bridge(self, bridge_id: str) -> str:
        """Note a bridge: before it is asked for, until `discard_bridge`."""
        self._bridges.add(bridge_id)
        return bridge_id

    def discard(self, channel_id: str, reason: str = "normal") -> None:
        """End a channel that was followed, unless it is gone or handed over. Never waits."""
        leg = self._legs.get(channel_id)
        if leg is None or leg.handed_over:
            return
        del self._legs[channel_id]
        if not leg.gone:
            self._sweeper.channel(channel_id, reason)

    def hand_over(self, leg: Leg) -> None:
        """The dialplan has the channel from now on."""
        leg.handed_over = True
        self._legs.pop(leg.id, None)

    def introduce(self, bridge_id: str, legs: Collection[Leg]) -> None:
        """Two people talk in a bridge now, whatever becomes of us; when one leaves, the other is
        hung up, by this engine or by the next."""
        for leg in legs:
            leg.handed_over = True
        self.spawn(self._until_one_leaves(bridge_id, legs))

    def spawn(self, work: Coroutine[Any, Any, None]) -> None:
        """Have `work` done beside the calls, as long as we run."""
        if self._group is None:
            work.close()
        else:
            self._group.create_task(work)

    async def _until_one_leaves(self, bridge_id: str, legs: Collection[Leg]) -> None:
        left = asyncio.Event()
        for leg in legs:
            leg.when_gone(left.set)
        await left.wait()
        for leg in legs:
            leg.handed_over = False
            self.discard(leg.id)
            leg.vanished()  # nobody follows it any more, and somebody may listen to it
        self.discard_bridge(bridge_id)

    def discard_bridge(self, bridge_id: str) -> None:
        """Delete a bridge. Never waits."""
        self._bridges.discard(bridge_id)
        self._sweeper.bridge(bridge_id)

    # The connection

    async def run(self) -> None:
        """Until cancelled; then calls end at once, and what they leave is deleted.

        Raises ConfigurationError where Asterisk will never have us: the message says what to do.
        """
        sweeping = asyncio.create_task(self._sweeper.run(), name="asterisk sweeper")
        connecting = asyncio.create_task(self._stay_connected(), name="asterisk connection")
        try:
            async with asyncio.TaskGroup() as self._group:
                await asyncio.wait({connecting})  # it ends by failing only
        finally:
            self._group = None
            if self._ari is not None:
                await self._sweeper.done()
            sweeping.cancel()
            connecting.cancel()
            await asyncio.wait({sweeping, connecting})
        connecting.result()

    async def _stay_connected(self) -> None:
        if self._listen is not None:
            await self._be_dialled(*self._listen)
        first = True
        while not self._replaced:
            try:
                async with connect(
                    self._url, self._user, self._password, self.app, self._happened
                ) as ari:
                    self._backoff.reset()
                    first = False
                    await self.hold(ari)
            except AriError as error:
                if first and error.code in FATAL:
                    raise ConfigurationError(str(error)) from error
                if self._problem != str(error):
                    log.warning("asterisk.unreachable", code=error.code, problem=str(error))
                self._problem = str(error)
            if not self._replaced:
                await asyncio.sleep(self._backoff.wait_s())
        await asyncio.Event().wait()

    async def _be_dialled(self, host: str, port: int) -> None:
        async def hold(ari: Ari) -> None:
            try:
                await self.hold(ari)
            except AriError as error:  # Asterisk dials again
                self._problem = str(error)
                log.warning("asterisk.unreachable", code=error.code, problem=str(error))

        self._problem = (
            f"Asterisk has not dialled us at {host}:{port} yet; check outbound_websocket in "
            "ari.conf and its websocket_client.conf"
        )
        try:
            async with listening(
                host, port, self._user, self._password, self.app, hold, self._happened
            ):
                log.info("asterisk.listening", host=host, port=port)
                await asyncio.Event().wait()
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen for Asterisk on {host}:{port}: {error.strerror or error}; choose "
                "another with PALABRE_ARI_LISTEN"
            ) from error

    async def hold(self, ari: Ari) -> None:
        """Work over `ari` until it is lost. Raises AriError where it cannot be worked with."""
        info = await ari.booted()
        await ari.ignore(*NOISE)
        await self._reconcile(ari)
        self._ari = ari
        self.connections += 1
        self._connected.set()
        log.info("asterisk.connected", version=info.version, app=self.app, calls=len(self._legs))
        try:
            lost = await ari.over()
        finally:
            if self._ari is ari:  # Asterisk may have dialled again before we saw it gone
                self._ari = None
                self._connected.clear()
        self._problem = str(lost)
        if self._replaced:
            self._problem = (
                f"another engine has taken the application {self.app!r}; give each its own "
                "(PALABRE_ARI_APP), and start this one again"
            )
        log.warning("asterisk.lost", code=lost.code, problem=self._problem)

    async def _reconcile(self, ari: Ari) -> None:
        """Know again what is there: legs that ended meanwhile, what a dead engine left, callers
        who came while nobody listened."""
        application = await ari.application()
        channels = {channel.id: channel for channel in await ari.channels()}
        bridges = await ari.bridges()
        for leg in tuple(self._legs.values()):
            if leg.id in channels:
                leg.at(channels[leg.id])
            else:
                leg.vanished()
        found = Inventory.of(
            channels.values(),
            bridges,
            names=self._names,
            application=application.channels,
            known=self._legs.keys() | self._bridges,
        )
        for bridge in found.people:
            self.bridge(bridge.id)
            self.introduce(bridge.id, [self.leg(channel_id) for channel_id in bridge.channels])
        for channel in found.came:
            self._came(StasisStart(channel))
        for channel in found.left:
            self._sweeper.channel(channel.id)
        for bridge in found.left_bridges:
            self._sweeper.bridge(bridge.id)
        if found.left or found.left_bridges:
            log.warning("asterisk.cleaned", count=len(found.left) + len(found.left_bridges))

    # Events

    def _happened(self, event: Event) -> None:
        match event:
            case StasisStart(channel=channel):
                leg = self._legs.get(channel.id)
                if leg is not None:
                    leg.take(event)
                else:
                    self._came(event)
            case StasisEnd(channel=channel):
                leg = self._legs.get(channel.id)
                if leg is not None and not self._names.kind(channel.id):
                    leg.left(event)
            case (
                ChannelStateChange(channel=channel)
                | ChannelHangupRequest(channel=channel)
                | ChannelDestroyed(channel=channel)
                | Dial(peer=channel)
            ):
                if leg := self._legs.get(channel.id):
                    leg.take(event)
            case ApplicationReplaced():
                self._replaced = True
                if self._ari is not None:
                    self._ari.lost(AriError("ari.replaced", "another engine has connected"))
            case _:
                pass

    def _came(self, start: StasisStart) -> None:
        """A caller, or what is left of a call that has just ended."""
        channel: Channel = start.channel
        if self._group is None or self._names.kind(channel.id):
            self._sweeper.channel(channel.id)
            return
        leg = self.leg(channel.id)
        leg.take(start)
        self._group.create_task(self._serve(start, leg), name=f"call {channel.id}")

    async def _serve(self, start: StasisStart, leg: Leg) -> None:
        try:
            await self._connected.wait()  # it may have come while we looked what is there
            await self.inbound(start, leg)
        except Exception as error:
            log.error("asterisk.call_failed", error=type(error).__name__, exc_info=error)
        finally:
            self.discard(leg.id)
