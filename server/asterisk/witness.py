"""Asterisk's AMD() as a witness of who answered: it listens beside us, and nobody waits for it.

A snoop of the answered call leaves our application for the dialplan's context `AMD_CONTEXT`, which
runs AMD() on it and brings it back with AMDSTATUS and AMDCAUSE: 0.8 s after a greeting, 5 s after
the answer at the latest (amd.conf). The snoop ends with the call, with the verdict, and where there
is no engine to come back to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from engine.clock import Clock
from server.asterisk.configuration import AMD_CONTEXT, APP_VARIABLE
from server.asterisk.control import Control
from server.asterisk.inventory import WITNESS
from server.asterisk.leg import Leg, LegGone
from server.screening import Screening
from telephony.asterisk.ari.errors import AriError

__all__ = ["Witness"]

log = structlog.get_logger()

SETTLED_S = 0.5
"""The ends of a call and of its snoop are told within 20 ms of each other, in any order."""
ASKED_AGAIN_S = 60.0
"""After that the context is looked for again: it may have been pasted meanwhile."""


class Witness:
    """Asks AMD() about calls, where the dialplan has the context for it; where it has not, calls go
    on without, and that is logged once."""

    def __init__(self, control: Control, clock: Clock) -> None:
        self._control = control
        self._clock = clock
        self._missed = False
        self._not_before = float("-inf")

    @asynccontextmanager
    async def beside(
        self, leg: Leg, session_id: str, screening: Screening | None
    ) -> AsyncIterator[None]:
        """Have AMD() hear the call on `leg`, which was just answered, and tell `screening`, until
        that has a verdict or the block ends. Without a `screening` nobody is asked."""
        if screening is None or self._clock.now() < self._not_before:
            yield
            return
        asked = asyncio.create_task(self._ask(leg, session_id, screening), name="amd witness")

        def decided() -> None:
            asked.cancel()

        screening.when_decided(decided)
        try:
            yield
        finally:
            asked.cancel()
            await asyncio.wait({asked})

    async def _ask(self, leg: Leg, session_id: str, screening: Screening) -> None:
        control = self._control
        connection = control.connections
        snoop = control.leg(control.name(WITNESS, session_id))
        try:
            ari = control.ari
            await ari.snoop(leg.id, snoop.id, spy="in", whisper="none")
            await snoop.in_application()
            await ari.follow(snoop.id)  # else we are not told of its end in the dialplan
            await ari.set_variable(snoop.id, APP_VARIABLE, ari.app)
            await ari.go_on(snoop.id, AMD_CONTEXT, "s")
            _, status, cause = (*await snoop.brought(), "", "")[:3]
        except LegGone:
            if not await _over(leg) and control.connections == connection:
                self._miss()
        except AriError as error:
            if not await _over(leg):
                facts = {"code": error.code, "problem": str(error)}
                log.warning("asterisk.amd_not_asked", call_id=session_id, **facts)
        else:
            self._missed = False
            log.info("asterisk.amd", call_id=session_id, status=status, cause=cause)
            screening.asterisk(status, cause, self._clock.now())
        finally:
            control.discard(snoop.id)

    def _miss(self) -> None:
        self._not_before = self._clock.now() + ASKED_AGAIN_S
        if not self._missed:
            self._missed = True
            log.warning(
                "asterisk.no_amd",
                problem=f"the dialplan has no context {AMD_CONTEXT} that runs AMD() and comes back",
                do="`palabre asterisk config` prints it; calls go on without",
            )


async def _over(leg: Leg) -> bool:
    """Whether the call has ended, as far as is known in a moment. Cancelling is safe."""
    try:
        async with asyncio.timeout(SETTLED_S):
            await leg.ended()
    except TimeoutError:
        return False
    return True
