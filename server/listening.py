"""Calls that others lead and we only listen to: each side's words as they are said.

A conversation has one session, whatever number of sides is heard in it: its log is the transcript.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from engine.errors import PalabreError
from engine.log import SessionLog
from pipelines.listening import Ears, Utterance
from server.calls import CallChannel, Calls, Prepared, RunningCall

__all__ = ["Conversation", "Listening"]

log = structlog.get_logger()

LOG_PATIENCE_S = 30.0
"""How long after its end a conversation waits for a store that cannot be reached."""

STATE = "overhearing"


@dataclass(slots=True)
class Conversation:
    """One call between others. `said` is told who said what, as it is known."""

    name: str
    session_id: str
    log: SessionLog
    since: float
    sides: set[str] = field(default_factory=set)
    said: list[Callable[[str, Utterance], None]] = field(default_factory=list)

    def note(self, side: str, utterance: Utterance) -> None:
        self.log.record(
            "said",
            {
                "side": side,
                "text": utterance.text,
                "confidence": utterance.confidence,
                "from_s": round(utterance.began_at - self.since, 3),
                "to_s": round(utterance.ended_at - self.since, 3),
            },
        )
        for told in self.said:
            told(side, utterance)


class Listening:
    """The conversations that are listened to, by the name that brings their sides together."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._open: dict[str, Conversation] = {}

    async def hear(
        self,
        name: str,
        side: str,
        channel: CallChannel,
        prepared: Prepared,
        *,
        origin: str,
        said: Callable[[str, Utterance], None] = lambda side, utterance: None,
    ) -> str:
        """Listen to `side` of the conversation `name` until the channel ends; why is returned.

        An empty name is a conversation of its own. `said` is told what any of its sides says.
        Whoever calls holds a place (`Calls.admit`). Cancelling ends it at once.
        """
        conversation = self._join(name, prepared)
        side = _another(side, conversation.sides)
        conversation.sides.add(side)
        conversation.said.append(said)
        facts = log.bind(call_id=conversation.session_id, side=side)
        running = RunningCall(
            f"{conversation.session_id}.{side}",
            origin,
            prepared,
            channel,
            self._calls.clock.now(),
            STATE,
        )

        def lost(error: Exception) -> None:
            code = error.code if isinstance(error, PalabreError) else type(error).__name__
            conversation.log.record("stage.failed", {"stage": "stt", "error": code, "side": side})

        ears = Ears(
            channel,
            prepared.speech,
            self._calls.clock,
            self._calls.ticker,
            lambda utterance: conversation.note(side, utterance),
            show=channel.send,
            lost=lost,
        )
        facts.info("listening.started", origin=origin, rate_hz=channel.capabilities.rate_hz)
        reason = "error"
        try:
            with self._calls.holding(running):
                reason = await ears.run()
        except Exception as error:  # noqa: BLE001 the border: the next call must not notice
            self._calls.failed(channel, running.session_id, error)
        finally:
            channel.close(reason)
            conversation.said.remove(said)
            await self._leave(conversation, side, reason)
            self._count(channel)
            facts.info(
                "listening.ended", reason=reason, code=channel.fault, faults=dict(channel.faults)
            )
        return reason

    def _join(self, name: str, prepared: Prepared) -> Conversation:
        conversation = self._open.get(name) if name else None
        if conversation is not None:
            return conversation
        calls = self._calls
        session_id = calls.new_id()
        session_log = SessionLog(session_id, calls.parts.store, calls.clock, lambda: None)
        conversation = Conversation(name, session_id, session_log, calls.clock.now())
        started: dict[str, Any] = {"listening": name or session_id}
        if prepared.speech.notice:
            started["notice"] = prepared.speech.notice
        session_log.record("session.started", started)
        if name:
            self._open[name] = conversation
        return conversation

    async def _leave(self, conversation: Conversation, side: str, reason: str) -> None:
        """The last one closes the log."""
        conversation.sides.discard(side)
        if conversation.sides:
            return
        self._open.pop(conversation.name, None)
        conversation.log.record("session.closed", {"reason": reason})
        try:
            await conversation.log.close(LOG_PATIENCE_S)
        except PalabreError as error:
            log.error("listening.not_stored", call_id=conversation.session_id, code=error.code)

    def _count(self, channel: CallChannel) -> None:
        for code, count in channel.faults.items():
            self._calls.metrics.faults.labels(code).inc(count)


def _another(side: str, taken: set[str]) -> str:
    """A name for a side that nobody has: two forks of one call may both call theirs ``caller``."""
    number, name = 1, side
    while name in taken:
        number += 1
        name = f"{side}{number}"
    return name
