"""Calls that come to us: a number chooses the scenario, which answers."""

from __future__ import annotations

import structlog

from engine.errors import AdmissionError, PalabreError
from server.asterisk.desk import Desk, Parts
from server.asterisk.leg import Leg, LegGone
from server.asterisk.media import AsteriskMedia
from server.asterisk.sound import sound
from server.calls import Calls
from telephony.asterisk.ari.errors import AriError
from telephony.asterisk.ari.events import StasisStart

__all__ = ["Inbound", "called_number"]

log = structlog.get_logger()


def called_number(start: StasisStart) -> str:
    """The number that was called: the argument after ``inbound``, where the dialplan gives one
    (``Stasis(palabre,inbound,${EXTEN})``), else its extension."""
    match start.args:
        case ("inbound", number, *_):
            return number
        case _:
            return start.channel.extension


class Inbound:
    """Answers calls, as long as there is room for them."""

    def __init__(self, calls: Calls, media: AsteriskMedia, desks: Parts) -> None:
        self._calls = calls
        self._control = desks.control
        self._media = media
        self._desks = desks
        desks.control.inbound = self.serve

    async def serve(self, start: StasisStart, leg: Leg) -> None:
        """Hold the call of `start` to its end. Cancelling ends it at once."""
        session_id = self._calls.new_id()
        facts = log.bind(call_id=session_id, channel_id=leg.id)
        try:
            with self._calls.admit():
                await self._answer(session_id, leg, start)
        except AdmissionError:
            # SIP 503: whoever routes calls tries another server, where 486 would end it.
            self._control.discard(leg.id, "congestion")
        except LegGone:
            facts.info("asterisk.caller_gone")
        except PalabreError as error:
            self._control.discard(leg.id, "congestion")
            if isinstance(error, AriError) and leg.gone:
                facts.info("asterisk.caller_gone")
            else:
                facts.error("asterisk.not_answered", code=error.code, problem=str(error))

    async def _answer(self, session_id: str, leg: Leg, start: StasisStart) -> None:
        calls, control = self._calls, self._control
        prepared = calls.prepare_for(called_number(start))
        async with sound(control, self._media, session_id) as way:
            await way.join(leg.id)
            await control.ari.answer(leg.id)
            if leg.gone:
                raise LegGone(leg)
            leg.when_gone(lambda: way.channel.lost("caller"))
            desk = Desk(self._desks, way, leg, session_id, prepared, start.channel.caller)
            try:
                await calls.run(
                    session_id,
                    way.channel,
                    prepared,
                    origin="asterisk",
                    started=desk.started,
                    act=desk.act,
                )
            finally:
                await desk.close()
