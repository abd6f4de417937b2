"""Calls that others lead and we only listen to: each side's words as they are said.

A conversation has one session, whatever number of sides is heard in it: its log is the transcript.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import structlog

from engine.clock import Clock
from engine.errors import PalabreError
from engine.frames import Transcript
from engine.link import Link
from engine.log import SessionLog
from pipelines.account import account
from pipelines.listening import Ears, Utterance
from server.calls import CallChannel, Calls, Prepared, RunningCall

__all__ = ["Conversation", "Listening"]

log = structlog.get_logger()

LOG_PATIENCE_S = 30.0
"""How long after its end a conversation waits for a store that cannot be reached."""

STATE = "overhearing"

FEED = 256
"""What may wait for one who follows a conversation: a minute of words, interims and all."""

Entry = dict[str, Any]
"""JSON values."""


@dataclass(slots=True)
class Conversation:
    """One call between others. `told` are told who said what, as it is known."""

    name: str
    session_id: str
    log: SessionLog
    clock: Clock
    since: float
    sides: set[str] = field(default_factory=set)
    said: list[tuple[str, Utterance]] = field(default_factory=list)
    told: list[Callable[[str, Utterance], None]] = field(default_factory=list)
    feeds: set[Link[Entry]] = field(default_factory=set)

    def follow(self) -> Link[Entry]:
        """What was said so far and what is said from now on; closed at the end, and for one who
        does not keep up."""
        feed: Link[Entry] = Link(FEED + len(self.said))
        for side, utterance in self.said:
            feed.offer(self._entry(side, utterance))
        self.feeds.add(feed)
        return feed

    def note(self, side: str, utterance: Utterance) -> None:
        """Somebody said something."""
        self.said.append((side, utterance))
        entry = self._entry(side, utterance)
        self.log.record("said", {key: value for key, value in entry.items() if key != "final"})
        self._feed(entry)
        for told in self.told:
            told(side, utterance)

    def note_interim(self, side: str, text: str) -> None:
        """What is being said, so far; it may come to nothing."""
        self._feed({"side": side, "text": text, "final": False})

    def account(self) -> Entry:
        """Who spoke how much, up to now."""
        return account(self.said, self.since, self.clock.now())

    def close(self, reason: str) -> None:
        """Everybody is gone."""
        last: Entry = {"reason": reason, "account": self.account()}
        self.log.record("session.closed", last)
        self._feed(last)
        for feed in self.feeds:
            feed.close()

    def _entry(self, side: str, utterance: Utterance) -> Entry:
        return {
            "side": side,
            "text": utterance.text,
            "final": True,
            "confidence": utterance.confidence,
            "from_s": round(utterance.began_at - self.since, 3),
            "to_s": round(utterance.ended_at - self.since, 3),
        }

    def _feed(self, entry: Entry) -> None:
        for feed in tuple(self.feeds):
            if not feed.offer(entry):
                feed.close()
                self.feeds.discard(feed)


class Listening:
    """The conversations that are listened to, by the name that brings their sides together."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._open: dict[str, Conversation] = {}
        self.open: Mapping[str, Conversation] = MappingProxyType(self._open)
        """The conversations under way, by name."""

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
        conversation.told.append(said)
        facts = log.bind(call_id=conversation.session_id, side=side)
        running = RunningCall(
            f"{conversation.session_id}.{side}",
            origin,
            prepared,
            channel,
            self._calls.clock.now(),
            STATE,
        )

        def show(transcript: Transcript) -> None:
            channel.send(transcript)
            if not transcript.final:
                conversation.note_interim(side, transcript.text)

        def lost(error: Exception) -> None:
            code = error.code if isinstance(error, PalabreError) else type(error).__name__
            conversation.log.record("stage.failed", {"stage": "stt", "error": code, "side": side})

        ears = Ears(
            channel,
            prepared.speech,
            self._calls.clock,
            self._calls.ticker,
            lambda utterance: conversation.note(side, utterance),
            show=show,
            lost=lost,
        )
        facts.info("listening.started", origin=origin, rate_hz=channel.capabilities.rate_hz)
        reason = "error"
        try:
            with self._calls.holding(running):
                reason = await ears.run()
        except asyncio.CancelledError:
            reason = "cancelled"
            raise
        except Exception as error:  # noqa: BLE001 the border: the next call must not notice
            self._calls.failed(channel, running.session_id, error)
        finally:
            channel.close(reason)
            conversation.told.remove(said)
            await self._leave(conversation, side, reason)
            self._count(channel)
            inlet = channel.inlet
            facts.info(
                "listening.ended", reason=reason, code=inlet.fault, faults=dict(inlet.faults)
            )
        return reason

    def _join(self, name: str, prepared: Prepared) -> Conversation:
        if name in self._open:
            return self._open[name]
        calls = self._calls
        session_id = calls.new_id()
        name = name or session_id
        session_log = SessionLog(session_id, calls.parts.store, calls.clock, lambda: None)
        conversation = Conversation(name, session_id, session_log, calls.clock, calls.clock.now())
        started = {"listening": name}
        if prepared.speech.notice:
            started["notice"] = prepared.speech.notice
        session_log.record("session.started", dict(started))
        self._open[name] = conversation
        return conversation

    async def _leave(self, conversation: Conversation, side: str, reason: str) -> None:
        """The last one closes the log."""
        conversation.sides.discard(side)
        if conversation.sides:
            return
        del self._open[conversation.name]
        conversation.close(reason)
        try:
            await conversation.log.close(LOG_PATIENCE_S)
        except PalabreError as error:
            log.error("listening.not_stored", call_id=conversation.session_id, code=error.code)

    def _count(self, channel: CallChannel) -> None:
        for code, count in channel.inlet.faults.items():
            self._calls.metrics.faults.labels(code).inc(count)


def _another(side: str, taken: set[str]) -> str:
    """A name for a side that nobody has: two forks of one call may both call theirs ``caller``."""
    number, name = 1, side
    while name in taken:
        number += 1
        name = f"{side}{number}"
    return name
