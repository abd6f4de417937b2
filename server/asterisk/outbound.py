"""Calls that we place: to whom, what became of them, and the conversation if they are answered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

from engine.frames import Frame
from pipelines.voice import VoiceCall
from server.asterisk.desk import Desk, Parts
from server.asterisk.dialling import ENDED_S
from server.asterisk.leg import Leg, LegGone, Reached
from server.asterisk.media import AsteriskMedia
from server.asterisk.sound import Sound, sound
from server.asterisk.witness import Witness
from server.calls import Calls, Prepared
from server.screening import Screening
from telephony.asterisk.ari.errors import AriError
from telephony.asterisk.outcome import Outcome, outcome

__all__ = ["CallResult", "Outbound", "Progress", "Stage"]

log = structlog.get_logger()


class Stage(StrEnum):
    """How far a call is."""

    DIALLING = "dialling"
    RINGING = "ringing"
    EARLY_MEDIA = "early_media"
    """The network speaks: an announcement, or its own ringing."""
    ANSWERED = "answered"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Progress:
    """A call has come to the stage `kind`; `at` is monotonic."""

    kind: Stage
    at: float


@dataclass(frozen=True, slots=True)
class CallResult:
    """What became of a call. `cause` and `tech_cause` are Q.850's and SIP's; `reason` is why the
    conversation ended, empty without one; times are from the dialling, None for what did not
    happen. `answered_by` is who was heard (`telephony.amd.Kind`; ``network`` also where nobody
    answered), empty where nobody listened for that or it was not told."""

    outcome: Outcome
    cause: int
    tech_cause: int | None
    session_id: str
    reason: str = ""
    rang_s: float | None = None
    answer_s: float | None = None
    duration_s: float = 0.0
    answered_by: str = ""


@dataclass(slots=True)
class _Times:
    """When the call reached each stage."""

    at: dict[Stage, float] = field(default_factory=dict)

    def since_dialling(self, stage: Stage) -> float | None:
        at = self.at.get(stage)
        return None if at is None else at - self.at[Stage.DIALLING]


class Outbound:
    """Places calls."""

    def __init__(self, calls: Calls, media: AsteriskMedia, desks: Parts) -> None:
        self._calls = calls
        self._control = desks.control
        self._media = media
        self._exits = desks.exits
        self._desks = desks
        self._witness = Witness(desks.control, calls.clock)

    async def place(
        self,
        number: str,
        *,
        scenario: str = "",
        language: str = "",
        caller_id: str = "",
        timeout_s: float = 45.0,
        watch: Callable[[Frame], None] = lambda frame: None,
        progress: Callable[[Progress], None] = lambda progress: None,
    ) -> CallResult:
        """Call `number` and hold the conversation, if it is answered within `timeout_s`.

        Raises AriError, MediaError, ConfigurationError or AdmissionError where there was no call.
        Cancelling hangs up at once.
        """
        endpoint = self._exits.endpoint(number)
        calls, control = self._calls, self._control
        session_id = calls.new_id()
        variables = self._exits.as_caller(caller_id)
        times = _Times()

        def reached(stage: Stage) -> None:
            times.at.setdefault(stage, calls.clock.now())
            progress(Progress(stage, times.at[stage]))

        with calls.admit():
            prepared = calls.prepare(scenario, language)
            screening = _screening(prepared, calls)
            leg = control.leg(control.name("call", session_id), _telling(reached))
            try:
                async with sound(control, self._media, session_id, variables) as way:
                    await control.ari.create(leg.id, endpoint)
                    await leg.in_application()
                    await way.join(leg.id)
                    reached(Stage.DIALLING)
                    reason = await self._call(
                        leg, way, prepared, session_id, timeout_s, watch, screening
                    )
            except LegGone:
                reason = ""
            finally:
                control.discard(leg.id)
                reached(Stage.ENDED)
        return _result(leg, session_id, reason, times, screening)

    async def _call(
        self,
        leg: Leg,
        way: Sound,
        prepared: Prepared,
        session_id: str,
        timeout_s: float,
        watch: Callable[[Frame], None],
        screening: Screening | None,
    ) -> str:
        """Dial, and converse. Raises LegGone where nobody answers."""
        if screening is not None:
            way.channel.attach(screening.before)
        await self._control.ari.dial(leg.id, timeout_s)
        try:
            async with asyncio.timeout(timeout_s + ENDED_S):
                await leg.taken()
        except TimeoutError:
            raise AriError(
                "ari.timeout", "Asterisk tells nothing of the call that it was to place"
            ) from None
        leg.when_gone(lambda: way.channel.lost("caller"))
        desk = Desk(self._desks, way, leg, session_id, prepared)

        def started(call: VoiceCall) -> None:
            desk.started(call)
            if screening is not None:
                screening.started(call, self._calls.clock.now())

        def watched(frame: Frame) -> None:
            watch(frame)
            if screening is not None:
                screening.watch(frame)

        try:
            async with self._witness.beside(leg, session_id, screening):
                return await self._calls.run(
                    session_id,
                    way.channel,
                    prepared,
                    origin="asterisk",
                    watch=watched,
                    started=started,
                    act=desk.act,
                    hear=screening.hear if screening is not None else None,
                )
        finally:
            if screening is not None:
                screening.close()
            await desk.close()


def _telling(reached: Callable[[Stage], None]) -> Callable[[Reached], None]:
    stages: Mapping[Reached, Stage] = {
        Reached.RINGING: Stage.RINGING,
        Reached.PROGRESS: Stage.EARLY_MEDIA,
        Reached.ANSWERED: Stage.ANSWERED,
    }

    def changed(what: Reached) -> None:
        if what in stages:
            reached(stages[what])

    return changed


def _screening(prepared: Prepared, calls: Calls) -> Screening | None:
    """Whoever listens for who answered, where the scenario says what to do about it."""
    script = prepared.running.script
    return Screening(script, calls.ticker) if script.voicemail else None


def _result(
    leg: Leg, session_id: str, reason: str, times: _Times, screening: Screening | None
) -> CallResult:
    became = Outcome.ANSWERED if leg.answered else outcome(leg.cause, leg.tech_cause, rang=leg.rang)
    answered_at = times.at.get(Stage.ANSWERED)
    result = CallResult(
        outcome=became,
        cause=leg.cause,
        tech_cause=leg.tech_cause,
        session_id=session_id,
        reason=reason,
        rang_s=times.since_dialling(Stage.RINGING),
        answer_s=times.since_dialling(Stage.ANSWERED),
        duration_s=0.0 if answered_at is None else times.at[Stage.ENDED] - answered_at,
        answered_by=screening.answered_by if screening is not None else "",
    )
    log.info(
        "asterisk.call_placed",
        call_id=session_id,
        outcome=became,
        cause=leg.cause,
        tech_cause=leg.tech_cause,
        reason=reason,
        answered_by=result.answered_by,
    )
    return result
