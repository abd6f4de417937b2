"""The running calls of a server, whatever brings them: each transport runs its calls here."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import structlog

from engine.channel import AudioChannel
from engine.clock import Clock
from engine.errors import AdmissionError, PalabreError
from engine.flow import Signal
from engine.frames import Frame, Ledger, Recording, StateChanged, Transfer
from engine.turn import State
from pipelines.audio.ticker import Ticker
from pipelines.voice import Speech, VoiceCall
from server.admission import Admission
from server.metrics import Metrics
from server.numbers import Numbers
from server.parts import Parts, Running
from server.recorder import Recorder
from server.watched import Watched
from telephony.inlet import Inlet

__all__ = ["CallChannel", "Calls", "Failing", "Prepared", "RunningCall"]

log = structlog.get_logger()


class Failing(Protocol):
    """What can be told of a fault."""

    def fail(self, code: str, message: str) -> None:
        """Tell the far end, where it can be told, of a fault that ends the call; and close."""
        ...


class CallChannel(AudioChannel, Failing, Protocol):
    """A way to one person on a call, and how the end of it is told."""

    dropped: int
    """Frames of sound that were not sent because nobody read them."""
    inlet: Inlet
    """What came in that made no sense, and the fault that ended the call, if one did."""

    def lost(self, reason: str, fault: str | None = None) -> None:
        """The far end is gone: hand `Hangup(reason)` to the receiver."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a call will run: a scenario in one language, and the parts it is heard and said with."""

    running: Running
    speech: Speech

    @property
    def scenario(self) -> str:
        return self.running.script.name

    @property
    def language(self) -> str:
        return self.running.script.language


@dataclass(slots=True)
class RunningCall:
    """One call under way. `origin` is the transport that brought it, `since` when it began on the
    monotonic clock."""

    session_id: str
    origin: str
    prepared: Prepared
    channel: CallChannel
    since: float
    state: str = str(State.LISTENING)
    turns: int = 0
    call: VoiceCall | None = field(default=None, repr=False)


class Calls:
    """Takes calls in and holds each to its end. `new_id` names a session, `numbers` says what
    answers where a number was called, `recordings` where recordings go (None: none is made)."""

    def __init__(
        self,
        parts: Parts,
        admission: Admission,
        metrics: Metrics,
        ticker: Ticker,
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
        numbers: Numbers | None = None,
        recordings: Path | None = None,
    ) -> None:
        self.parts = parts
        self.metrics = metrics
        self.ticker = ticker
        self.new_id = new_id
        self._admission = admission
        self._numbers = numbers or Numbers({})
        self._recordings = recordings
        self._running: dict[str, RunningCall] = {}
        self.running: Mapping[str, RunningCall] = MappingProxyType(self._running)

    @property
    def clock(self) -> Clock:
        return self.parts.clock

    def obstacle(self) -> str | None:
        """Why no further call can come now; None if it can."""
        return self._admission.obstacle()

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Hold a place for a call. Raises AdmissionError where there is none."""
        try:
            self._admission.enter()
        except AdmissionError as error:
            self.metrics.refused.inc()
            log.info("call.refused", code=error.code, obstacle=str(error))
            raise
        try:
            yield
        finally:
            self._admission.leave()

    def prepare(self, scenario: str = "", language: str = "") -> Prepared:
        """What a call in `scenario` (the server's default if empty) and `language` (the scenario's
        first if empty) needs. Raises ConfigurationError, ProtocolError or SpeechError."""
        running = self.parts.running(scenario or self.parts.default, language)
        return Prepared(running, self.parts.speech(running))

    def prepare_for(self, called: str) -> Prepared:
        """The same for a call to the number `called`."""
        return self.prepare(*self._numbers.of(called))

    async def run(
        self,
        session_id: str,
        channel: CallChannel,
        prepared: Prepared,
        *,
        origin: str,
        watch: Callable[[Frame], None] = lambda frame: None,
        started: Callable[[VoiceCall], None] = lambda call: None,
        act: Callable[[Frame], None] | None = None,
        hear: Callable[[Frame], bool] | None = None,
        account: Callable[[], Mapping[str, Any]] = dict,
    ) -> str:
        """Hold the call to its end, and close its channel; the reason is returned.

        `watch` is told all that the channel is, just before; `started` is given the call before
        it runs; `act` does what the flow asks of the call's transport (Transfer, Connect), where
        that can; `hear` is given what comes in, and says whether the call hears it; `account` is
        what else the log should say of its end. What fails is logged and ends this call only.
        Cancelling ends it at once.
        """
        scenario = prepared.scenario
        facts = log.bind(call_id=session_id, scenario=scenario)
        running = RunningCall(session_id, origin, prepared, channel, self.clock.now())

        def shown(frame: Frame) -> None:
            if isinstance(frame, Ledger):
                running.turns += 1
                self.metrics.turn(scenario, frame.turn)
                facts.info("turn", **_without_words(frame.turn))
            watched.send(frame)
            if isinstance(frame, Recording):
                _record(recorder, call, frame, self.clock.now())
            elif act is not None:
                act(frame)
            elif isinstance(frame, Transfer):
                failed = Signal("transfer.failed", {"outcome": "unsupported"}, self.clock.now())
                call.session.deliver(failed)
            if isinstance(frame, StateChanged):
                running.state = frame.state
                if frame.state == State.CLOSED:
                    # Now, and not when the log is stored: nobody is left on a dead line for that.
                    _hang_up(channel, session_id, call.session.reason or "error")

        recorder = None
        if self._recordings is not None:
            recorder = Recorder(channel, session_id, self._recordings, self.clock)
        watched = Watched(recorder or channel, watch, hear)
        call = self.parts.call(session_id, watched, prepared.running, prepared.speech, shown)
        running.call = call
        facts.info("call.started", origin=origin, rate_hz=channel.capabilities.rate_hz)
        reason = "error"
        try:
            with self.holding(running):
                started(call)
                reason = await call.run()
        except asyncio.CancelledError:
            reason = call.session.reason or "cancelled"  # it may have ended, and wait for the store
            raise
        except Exception as error:  # noqa: BLE001 the border: the next call must not notice
            self.failed(channel, session_id, error)
        finally:
            _hang_up(channel, session_id, reason)
            if recorder is not None:
                await recorder.over()
            self.metrics.calls.labels(scenario, reason).inc()
            self.metrics.dropped.inc(channel.dropped)
            for code, count in channel.inlet.faults.items():
                self.metrics.faults.labels(code).inc(count)
            facts.info(
                "call.ended",
                reason=reason,
                code=channel.inlet.fault,
                dropped=channel.dropped,
                faults=dict(channel.inlet.faults),
                **account(),
            )
        return reason

    @contextmanager
    def holding(self, running: RunningCall) -> Iterator[None]:
        """Have a call that is not run here, because nobody answers in it, among those that run."""
        self._running[running.session_id] = running
        self.ticker.add(self, _on_time)
        try:
            yield
        finally:
            del self._running[running.session_id]
            if not self._running:
                self.ticker.remove(self)

    def failed(self, channel: Failing, session_id: str, error: Exception) -> None:
        """A fault of ours in the call `session_id`: log it, and end that call."""
        log.error("call.failed", call_id=session_id, error=type(error).__name__, exc_info=error)
        code = error.code if isinstance(error, PalabreError) else "server.error"
        _fail(channel, session_id, code)

    def listed(self) -> list[dict[str, Any]]:
        """The running calls as JSON values, the oldest first; nothing that anybody said."""
        now = self.clock.now()
        return [
            {
                "session": call.session_id,
                "origin": call.origin,
                "scenario": call.prepared.scenario,
                "language": call.prepared.language,
                "state": call.state,
                "turns": call.turns,
                "lasts_s": round(now - call.since, 1),
            }
            for call in self._running.values()
        ]

    def stop(self) -> None:
        """End the calls that are left: the server stops now."""
        for running in tuple(self._running.values()):
            running.channel.fail("server.draining", "the server stops; call again")
            running.channel.lost("draining")


def _record(recorder: Recorder | None, call: VoiceCall, asked: Recording, now: float) -> None:
    if recorder is None:
        if asked.on:
            call.session.deliver(Signal("recording.unavailable", {}, now))
    elif asked.on:
        recorder.start()
    else:
        recorder.stop()


def _on_time(now: float) -> None:
    """There are calls: admission wants to know how late ticks are, also while nobody speaks."""


def _hang_up(channel: CallChannel, session_id: str, reason: str) -> None:
    if reason == "failed":
        channel.fail("speech.unavailable", "speech failed three times; call again")
    elif reason == "error":
        _fail(channel, session_id)
    channel.close(reason)


def _fail(channel: Failing, session_id: str, code: str = "server.error") -> None:
    channel.fail(code, f"the server failed; its log has session {session_id}")


def _without_words(ledger: dict[str, Any]) -> dict[str, Any]:
    """What may be logged of a turn: not what anybody said."""
    keep = ("turn", "intent", "confidence", "interrupted", "spans", "over", "steps_down")
    return {"latency_ms": ledger["gap_ms"], **{key: ledger[key] for key in keep}}
