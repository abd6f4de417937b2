"""What a call asks of Asterisk beside talking: to hand its person over to another.

blind       the dialplan takes the person, where there is a context for that; else as attended,
            and nobody is told anything
attended    music for the person; whoever takes the call hears from us what it is about, then
            the two are alone in a bridge of their own, which outlives the call and the engine
conference  the same, in our own bridge: we stay and talk; where we only `listen`, in any mode
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import structlog

from engine.errors import PalabreError
from engine.flow import Signal
from engine.frames import Connect, Frame, Transfer
from pipelines.voice import VoiceCall
from server.asterisk.control import Control
from server.asterisk.dialling import ENDED_S, Exits
from server.asterisk.inventory import PEOPLE
from server.asterisk.leg import Leg, LegGone
from server.asterisk.overhearing import Overhearing
from server.asterisk.sound import Sound
from server.calls import Prepared
from telephony.asterisk.ari.errors import AriError
from telephony.asterisk.outcome import outcome

__all__ = ["Desk", "Parts"]

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Parts:
    """What every call's desk needs."""

    control: Control
    exits: Exits
    overhearing: Overhearing


@dataclass(slots=True)
class _Way:
    """Of one transfer: whoever is asked, and whether the two may be connected."""

    agent: Leg
    go: asyncio.Event


class Desk:
    """Hands the person on `leg` over, for the call `session_id`; what becomes of it is told to the
    call's session. `close` it when the call is over."""

    def __init__(
        self,
        parts: Parts,
        way: Sound,
        leg: Leg,
        session_id: str,
        prepared: Prepared,
        caller: str = "",
    ) -> None:
        self._control = parts.control
        self._exits = parts.exits
        self._overhearing = parts.overhearing
        self._prepared = prepared
        self._sound = way
        self._leg = leg
        self._session_id = session_id
        self._caller = caller
        self._call: VoiceCall | None = None
        self._attempts = 0
        self._way: _Way | None = None
        self._task: asyncio.Task[None] | None = None

    def started(self, call: VoiceCall) -> None:
        """This is the call."""
        self._call = call

    def act(self, frame: Frame) -> None:
        """Do what the call's flow asks for."""
        match frame:
            case Transfer() if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._transfer(frame), name="transfer")
            case Connect() if self._way is not None:
                self._way.go.set()
            case _:
                pass

    async def close(self) -> None:
        """The call is over: whoever was asked is let go. Cancelling is safe."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})

    def _tell(self, what: str, **facts: Any) -> None:
        log.info("asterisk.transfer", call_id=self._session_id, what=what, **facts)
        if self._call is not None:
            now = asyncio.get_running_loop().time()
            self._call.session.deliver(Signal(f"transfer.{what}", facts, now))

    async def _transfer(self, asked: Transfer) -> None:
        try:
            if asked.mode == "blind" and self._exits.context:
                await self._let_go(asked.to)
            else:
                await self._attend(asked)
        except PalabreError as error:
            if not self._leg.gone:
                self._tell("failed", outcome=await self._back(error))

    async def _let_go(self, extension: str) -> None:
        control = self._control
        await control.ari.go_on(self._leg.id, self._exits.context, extension)
        control.hand_over(self._leg)
        self._tell("connected")

    async def _attend(self, asked: Transfer) -> None:
        """Raises LegGone where nobody takes the call, AriError or ConfigurationError."""
        control, sound = self._control, self._sound
        self._attempts += 1
        # Asterisk may die of an id that was used before.
        agent = control.leg(control.name("agent", f"{self._session_id}-{self._attempts}"))
        way = self._way = _Way(agent, asyncio.Event())
        agent.when_gone(way.go.set)
        try:
            endpoint = self._exits.endpoint(asked.to)
            await self._hold()
            await control.ari.create(agent.id, endpoint, self._exits.as_caller(self._caller))
            await agent.in_application()
            await control.ari.dial(agent.id, asked.timeout_s)
            async with asyncio.timeout(asked.timeout_s + ENDED_S):
                await agent.taken()
            # Not before: we would hear Asterisk's ringing, and take it for somebody.
            await sound.join(agent.id)
            self._tell("answered")
            await way.go.wait()
            if agent.gone:
                raise LegGone(agent)
            if asked.mode == "conference":
                await self._stay(agent)
            else:
                await self._leave(agent, listen=asked.listen)
        except TimeoutError:
            raise AriError("ari.timeout", "Asterisk tells nothing of the transfer") from None
        finally:
            self._way = None
            control.discard(agent.id)

    async def _hold(self) -> None:
        await self._sound.part(self._leg.id)
        try:
            await self._control.ari.hold(self._leg.id, self._exits.music)
        except AriError as error:  # silence, then
            log.warning("asterisk.no_music", code=error.code, problem=str(error))

    async def _unhold(self) -> None:
        try:
            await self._control.ari.unhold(self._leg.id)
        except AriError as error:
            if error.code not in {"ari.state", "ari.refused"}:  # there was no music
                raise

    async def _stay(self, agent: Leg) -> None:
        await self._unhold()
        await self._sound.join(self._leg.id)
        self._tell("connected")
        await agent.ended()
        self._tell("ended")

    async def _leave(self, agent: Leg, *, listen: bool) -> None:
        control = self._control
        bridge_id = control.bridge(control.name(PEOPLE, f"{self._session_id}-{self._attempts}"))
        await control.ari.bridge(bridge_id)
        await self._unhold()
        # From here on they stay together even if we die.
        await control.ari.join(bridge_id, self._leg.id, agent.id)
        control.introduce(bridge_id, (self._leg, agent))
        self._tell("connected")
        if listen:
            for side, leg in (("caller", self._leg), ("agent", agent)):
                control.spawn(self._overhearing.hear(self._session_id, side, leg, self._prepared))

    async def _back(self, error: PalabreError) -> str:
        """The person talks to us again; why, in a word."""
        try:
            await self._unhold()
            await self._sound.join(self._leg.id)
        except PalabreError as worse:
            log.error("asterisk.not_back", code=worse.code, problem=str(worse))
            self._sound.channel.lost("error", worse.code)
        if isinstance(error, LegGone):
            gone = error.leg
            if gone.answered:
                return "left"
            return str(outcome(gone.cause, gone.tech_cause, rang=gone.rang))
        log.warning("asterisk.transfer_failed", code=error.code, problem=str(error))
        return "error"
