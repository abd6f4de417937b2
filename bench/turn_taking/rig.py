"""The same callers in virtual time: the server's own parts from the media route to the recogniser,
without its process, its sockets and its threads. A seed is the same call every time, far faster
than real time, and whatever else the machine does.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bench.barge_in.account import Account
from bench.errors import BenchError
from bench.turn_taking.callers import CallPlan, Condition, plan_call
from bench.turn_taking.lines import SCENARIO, lines
from bench.turn_taking.outcome import CallResult, taken
from bench.turn_taking.person import LATEST_S, PATIENCE_S, Talker
from bench.turn_taking.virtual import VirtualSpeech, threads_at_once
from engine.clock import LoopClock
from engine.flow import Understanding
from engine.ladder import Ladder, Rung
from pipelines.audio.ticker import Ticker
from pipelines.speech.models import find_model
from pipelines.turns.barge_in import BargeIn
from scenarios.script import Script, ScriptFlow, load
from server.admission import Admission
from server.calls import Calls
from server.edge import EXTENSION
from server.media import MediaRoute
from server.metrics import Metrics
from server.parts import Parts, Running
from server.settings import Settings
from server.sim.logs import faults_of_ours
from server.sim.loop import VirtualLoop, run
from server.sim.network import Network, Way
from server.sim.wire import SimWire
from server.talk.caller import HangUp
from server.talk.far_end import FarEnd, Message
from server.talk.turn_taking import TurnTaking
from server.voices import Voices

__all__ = ["Rig", "rows"]

FRAME_S = 0.02
NEAR = Network(0.002, 0.0005)
"""Loopback, as the bench's callers have it."""


@dataclass(frozen=True, slots=True)
class Rig:
    """What all calls of a process use. Made by `prepare`."""

    script: Script
    read: Callable[..., Understanding]
    model: Path
    voices: Voices
    silero: bool

    @classmethod
    def prepare(cls, model: str) -> Rig:
        """Load and speak what calls need, seconds of CPU. Raises SpeechError."""
        from pipelines.mind.examples import Examples

        settings = Settings()
        script = load(SCENARIO)
        examples = Examples.build(script.knowledge, settings.cache_dir)
        voices = Voices(settings)
        asyncio.run(voices.start([script]))
        return cls(
            script,
            lru_cache(4096)(examples.read),
            find_model(script.language, settings.models_dir, model).path,
            voices,
            bool(find_spec("onnxruntime") and find_spec("pipecat")),
        )

    def call(self, plan: CallPlan) -> CallResult:
        """Play the call of `plan`. Raises BenchError if it does not end, or the engine fails."""
        faults: list[str] = []
        with faults_of_ours(faults.append):
            result = run(_Call(self, plan).run())
        if faults:
            raise BenchError(f"the rig's call {plan.seed}, {plan.condition.name}: {faults[0]}")
        return result


def rows(
    conditions: Sequence[Condition], calls: int, seed: int, seconds: float, model: str
) -> dict[str, TurnTaking]:
    """By condition: `calls` callers of `seconds` over each, from `seed` on."""
    rig = Rig.prepare(model)
    return {
        condition.name: sum(
            (taken(rig.call(plan_call(seed + n, condition, seconds))) for n in range(calls)),
            TurnTaking(),
        )
        for condition in conditions
    }


class _Call:
    """The caller's end, and the server it is connected to."""

    def __init__(self, rig: Rig, plan: CallPlan) -> None:
        self._rig = rig
        self._plan = plan
        said = lines()
        self._person = Talker(
            plan,
            {line.sentences[0]: line.asks for line in said},
            frozenset(line.sentences[0] for line in said if line.passage),
        )
        self._account = Account()
        self._told: list[tuple[float, str, str]] = []
        self._frames = 0
        self._loop: VirtualLoop
        self._start = 0.0
        self._far: FarEnd
        self._up: Way
        self._down: Way
        self._wire: SimWire

    async def run(self) -> CallResult:
        running = asyncio.get_running_loop()
        assert isinstance(running, VirtualLoop)
        threads_at_once(running)
        plan, rig, clock = self._plan, self._rig, LoopClock()
        speech = await VirtualSpeech.made(rig.model, rig.voices, clock, silero=rig.silero)
        self._loop, self._start = running, clock.now()
        chance = random.Random(f"rig {plan.seed}")
        self._up = Way(NEAR, self._start, random.Random(chance.random()))
        self._down = Way(NEAR, self._start, random.Random(chance.random()))
        self._far = FarEnd(plan.condition.rate_hz, self._start)
        ticker = Ticker(clock)
        parts = Parts(Settings(), clock, ticker, speech=speech)
        parts.serve(self._running(clock))
        route = MediaRoute(
            Calls(
                parts,
                Admission(1, 10.0, ticker.lag_s, lambda: 0.0),
                Metrics(),
                ticker,
                lambda: f"rig-{plan.seed}",
            )
        )
        self._wire = SimWire(clock.now, running.world.at, self._carry, lambda code, reason: None)
        running.world.at(self._start + FRAME_S, self._frame)
        try:
            async with asyncio.timeout(plan.seconds + LATEST_S + PATIENCE_S):
                await self._serve(route)
        except TimeoutError:
            raise BenchError(
                f"the rig's call {plan.seed} over {plan.condition.name} hangs"
            ) from None
        finally:
            await speech.close()
            running.world.stop()
        return CallResult(
            plan.condition, plan.seed, self._person.said, self._far, self._account, {}, self._told
        )

    def _running(self, clock: LoopClock) -> Running:
        script, read = self._rig.script, self._rig.read

        async def examples(text: str, question: Any) -> Understanding:
            return read(text, question.intents)

        return Running(
            script,
            ScriptFlow(script),
            Ladder([Rung("examples", examples)], clock),
            BargeIn.of(script.backchannels, script.stop_words),
        )

    async def _serve(self, route: MediaRoute) -> None:
        query = (
            f"scenario={self._rig.script.name}&rate={self._plan.condition.rate_hz}"
            "&features=mark,clear,pause"
        )
        connected = False

        async def receive() -> Any:
            nonlocal connected
            if not connected:
                connected = True
                return {"type": "websocket.connect"}
            return await self._wire.receive()

        async def send(message: Any) -> None:
            if message["type"] == "websocket.close":
                self._wire.close(message.get("code", 1000), message.get("reason", ""))

        scope = {"query_string": query.encode(), "extensions": {EXTENSION: self._wire}}
        await route(scope, receive, send)

    # To the server

    def _frame(self, due: float) -> None:
        if not self._wire.open:
            return
        for answer in self._far.advance(due):
            self._send(answer, due)
        frame = self._person.frame(self._far, due)
        if isinstance(frame, HangUp):
            self._send({"type": "hangup"}, due)
            return
        self._loop.world.at(self._up.arrives(due), self._arrive, frame)
        self._frames += 1
        self._loop.world.at(self._start + (self._frames + 1) * FRAME_S, self._frame)

    def _send(self, message: Message, due: float) -> None:
        self._loop.world.at(self._up.arrives(due), self._arrive, json.dumps(message))

    def _arrive(self, due: float, message: bytes | str) -> None:
        if self._wire.open and self._wire.receiver is not None:
            self._wire.receiver(message)

    # From the server

    def _carry(self, message: bytes | str) -> float:
        at = self._down.arrives(self._loop.time())
        self._loop.world.at(at, self._receive, message)
        return at

    def _receive(self, due: float, data: bytes | str) -> None:
        at_s = due - self._start
        if isinstance(data, bytes):
            self._account.received(data)
            answers = self._far.receive(data, due)
        else:
            message = json.loads(data)
            self._account.passed(message, at_s)
            answers = self._far.receive(message, due)
            self._note(message, at_s * 1000)
            self._person.hear(message)
        for answer in answers:
            self._send(answer, due)

    def _note(self, message: Message, at_ms: float) -> None:
        match message:
            case {"type": "state", "state": str(state)}:
                self._told.append((at_ms, "state", state))
            case {"type": "transcript", "text": str(text), "final": bool(final)}:
                self._told.append((at_ms, "final" if final else "interim", text))
            case _:
                pass
