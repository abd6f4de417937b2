"""The media route: plain ASGI, one call per WebSocket (docs/protocols/media.md)."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import structlog

from engine.errors import AdmissionError, PalabreError, ProtocolError
from engine.frames import Frame, Ledger, StateChanged
from engine.turn import State
from pipelines.audio.ticker import Ticker
from server.admission import Admission
from server.edge import EXTENSION, PushWire
from server.metrics import Metrics
from server.parts import Parts
from telephony.media.channel import MediaChannel
from telephony.media.protocol import MediaRequest, ended, farewell, start

__all__ = ["MediaRoute"]

log = structlog.get_logger()

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def _new_id() -> str:
    return secrets.token_hex(8)


class MediaRoute:
    """Serves calls until told to stop. `new_id` names each session."""

    def __init__(
        self,
        parts: Parts,
        admission: Admission,
        metrics: Metrics,
        ticker: Ticker,
        new_id: Callable[[], str] = _new_id,
    ) -> None:
        self._new_id = new_id
        self._parts = parts
        self._admission = admission
        self._metrics = metrics
        self._clock = parts.clock
        self._ticker = ticker
        self._channels: set[MediaChannel] = set()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        try:
            self._admission.enter()
        except AdmissionError as error:
            self._metrics.refused.inc()
            log.info("call.refused", code=error.code, obstacle=str(error))
            await _refuse(send, error)
            return
        self._metrics.websockets.inc()
        try:
            await self._serve(scope, receive, send)
        finally:
            self._metrics.websockets.dec()
            self._admission.leave()

    async def _serve(self, scope: Message, receive: Receive, send: Send) -> None:
        wire: PushWire = scope["extensions"][EXTENSION]
        session_id = self._new_id()
        try:
            request = MediaRequest.parse(
                scope["query_string"].decode("ascii", "replace"),
                self._parts.scenarios,
                self._parts.default,
            )
            running = self._parts.running(request.scenario, request.language)
            speech = self._parts.speech(running)
        except PalabreError as error:
            await _reject(send, error)
            log.info("call.rejected", code=error.code)
            return
        channel = MediaChannel(request, wire)
        facts = log.bind(call_id=session_id, scenario=request.scenario)

        def receive_message(message: bytes | str) -> None:
            try:
                channel.received(message, self._clock.now())
            except Exception as error:  # noqa: BLE001 the border: the next call must not notice
                _failed(facts, channel, session_id, error)
                channel.lost("error")

        def watch_reader(now: float) -> None:
            channel.watch(now)
            if not wire.blocked:
                self._ticker.remove(channel)

        wire.attach(receive_message, farewell, lambda: self._ticker.add(channel, watch_reader))

        def watch(frame: Frame) -> None:
            if isinstance(frame, Ledger):
                self._metrics.turn(request.scenario, frame.turn)
                facts.info("turn", **_without_words(frame.turn))
            channel.send(frame)
            if isinstance(frame, StateChanged) and frame.state == State.CLOSED:
                # Now, and not when the log is stored: nobody is left on a dead line for that.
                _hang_up(channel, call.session.reason or "error")

        call = self._parts.call(session_id, channel, running, speech, watch)
        await send({"type": "websocket.accept"})
        language = running.script.language
        wire.write(start(session_id, request.scenario, language, channel.capabilities, call.notice))
        facts.info("call.started", rate_hz=request.rate_hz, features=sorted(request.features))
        self._channels.add(channel)
        self._ticker.add(self, _on_time)
        watching = asyncio.create_task(_watch(channel, wire, receive), name="connection")
        reason = "error"
        try:
            reason = await call.run()
        except Exception as error:  # noqa: BLE001 the border: the next call must not notice
            _failed(facts, channel, session_id, error)
        finally:
            self._channels.discard(channel)
            self._ticker.remove(channel)
            if not self._channels:
                self._ticker.remove(self)
            _hang_up(channel, reason)
            watching.cancel()
            await asyncio.wait({watching})
            self._metrics.calls.labels(request.scenario, reason).inc()
            self._metrics.dropped.inc(channel.dropped)
            for code, count in channel.faults.items():
                self._metrics.faults.labels(code).inc(count)
            facts.info(
                "call.ended",
                reason=reason,
                code=channel.fault,
                dropped=channel.dropped,
                faults=dict(channel.faults),
                held=wire.held,
            )

    def stop(self) -> None:
        """End the calls that are left: the server stops now."""
        for channel in tuple(self._channels):
            channel.fail("server.draining", "the server stops; call again", 1012)
            channel.lost("draining")


async def _watch(channel: MediaChannel, wire: PushWire, receive: Receive) -> None:
    """See the connection end; sound and control do not come this way, but for what a client sent
    before its handshake was answered, which is dropped."""
    while (await receive())["type"] != "websocket.disconnect":
        pass
    channel.lost("caller", ended(wire.close_code))


def _on_time(now: float) -> None:
    """There are calls: admission wants to know how late ticks are, also while nobody speaks."""


def _hang_up(channel: MediaChannel, reason: str) -> None:
    if reason == "failed":
        channel.fail("speech.unavailable", "speech failed three times; call again", 1011)
    channel.close(reason)


def _failed(facts: Any, channel: MediaChannel, session_id: str, error: Exception) -> None:
    facts.error("call.failed", error=type(error).__name__, exc_info=error)
    code = error.code if isinstance(error, PalabreError) else "server.error"
    channel.fail(code, f"the server failed; its log has session {session_id}", 1011)


async def _refuse(send: Send, error: AdmissionError) -> None:
    """503 before the handshake, as load balancers understand it."""
    body = json.dumps({"code": error.code, "message": str(error)}).encode()
    headers = [
        (b"content-type", b"application/json"),
        (b"retry-after", str(error.retry_after_s).encode()),
    ]
    await send({"type": "websocket.http.response.start", "status": 503, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


async def _reject(send: Send, error: PalabreError) -> None:
    """Accept, say what was wrong, close: a browser cannot read a refused handshake."""
    message = {"type": "error", "code": error.code, "message": str(error), "fatal": True}
    await send({"type": "websocket.accept"})
    await send({"type": "websocket.send", "text": json.dumps(message)})
    code = error.close_code if isinstance(error, ProtocolError) else None
    await send({"type": "websocket.close", "code": code or 1011, "reason": error.code})


def _without_words(ledger: dict[str, Any]) -> dict[str, Any]:
    """What may be logged of a turn: not what anybody said."""
    keep = ("turn", "intent", "confidence", "interrupted", "spans", "over", "steps_down")
    return {"latency_ms": ledger["gap_ms"], **{key: ledger[key] for key in keep}}
