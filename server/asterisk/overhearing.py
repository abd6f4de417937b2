"""Listening to people whom we have connected: each side by a snoop of its own."""

from __future__ import annotations

import structlog

from engine.errors import PalabreError
from server.asterisk.control import Control
from server.asterisk.leg import Leg
from server.asterisk.media import AsteriskMedia
from server.asterisk.sound import sound
from server.calls import Calls, Prepared
from server.listening import Listening

__all__ = ["Overhearing"]

log = structlog.get_logger()


class Overhearing:
    """Hears, and is heard by nobody. What it cannot hear is logged; the people talk on."""

    def __init__(
        self, calls: Calls, control: Control, media: AsteriskMedia, listening: Listening
    ) -> None:
        self._calls = calls
        self._control = control
        self._media = media
        self._listening = listening

    async def hear(self, name: str, side: str, leg: Leg, prepared: Prepared) -> None:
        """Listen to the `side` on `leg` of the conversation `name` until it ends; it takes a place
        of the server's. Cancelling ends it at once."""
        control = self._control
        session_id = f"{name}-{side}"
        snoop = control.leg(control.name("snoop", session_id))
        try:
            with self._calls.admit():
                async with sound(control, self._media, session_id) as way:
                    await control.ari.snoop(leg.id, snoop.id, spy="in", whisper="none")
                    await snoop.in_application()
                    await way.join(snoop.id)
                    leg.when_gone(lambda: way.channel.lost("caller"))
                    snoop.when_gone(lambda: way.channel.lost("caller"))
                    await self._listening.hear(name, side, way.channel, prepared, origin="asterisk")
        except PalabreError as error:
            if not leg.gone:
                log.warning(
                    "asterisk.not_overheard", call_id=name, code=error.code, problem=str(error)
                )
        finally:
            control.discard(snoop.id)
