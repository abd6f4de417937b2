"""One call of the rig: a server with everything but its sockets, a caller, and who watches."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.clock import LoopClock
from engine.errors import PalabreError
from engine.flow import Understanding
from engine.ladder import Ladder, Rung
from engine.log import ANSWER_S, RETRY_S
from pipelines.audio.ticker import Ticker
from pipelines.turns.barge_in import BargeIn
from scenarios.script import Script as Scenario
from scenarios.script import ScriptFlow, load
from server.admission import Admission
from server.calls import Calls
from server.edge import EXTENSION
from server.media import MediaRoute
from server.metrics import Metrics
from server.parts import Parts, Running
from server.settings import Settings
from server.sim import heard, loop
from server.sim.caller import Said, SimCaller
from server.sim.ear import Ear
from server.sim.invariants import ALL, Ended, Violation, Watch
from server.sim.logs import faults_of_ours
from server.sim.network import NEVER
from server.sim.phone import PING_S, Phone
from server.sim.script import Script
from server.sim.services import Model, SimStore, Trouble, Troubles
from server.sim.speech import SimSpeech
from server.sim.voices import SCENARIO
from server.sim.voices import prepare as prepare_voices
from server.sim.wire import SimWire
from server.talk.far_end import FarEnd, Message
from server.talk.plan import steps_of

if TYPE_CHECKING:
    from functools import _lru_cache_wrapper

__all__ = ["Outcome", "Shared", "prepare", "simulate"]

MODEL_MS = {False: (0.7, 0.9), True: (180.0, 420.0)}
"""Understanding here (docs/bench/response.md) and by a service elsewhere, p50 and p95."""

STORE_S = ANSWER_S + 2 * RETRY_S
"""After its trouble, until a store that hung is asked again."""

GRACE_S = 60.0
"""After the longest a call may go on, it is ended by force, which is a violation."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all calls of a process use, and none changes."""

    scenario: Scenario
    flow: ScriptFlow
    read: _lru_cache_wrapper[Understanding]
    """From what was said and the intents that may answer; kept."""
    recordings: heard.Recordings
    steps: dict[str, str]
    metrics: Metrics
    settings: Settings


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a call."""

    script: Script
    violations: Sequence[Violation]
    far: FarEnd
    said: Sequence[Said]
    messages: Sequence[tuple[float, Message]]
    lasted_s: float
    ended: str
    """The reason that the engine closed with; empty where the far end was gone."""


@cache
def prepare(cache_dir: Path | None = None) -> Shared:
    """Load what calls need; the first time the examples are learnt (seconds of CPU)."""
    from pipelines.mind.examples import Examples

    prepare_voices(cache_dir)
    scenario = load(SCENARIO)
    examples = Examples.build(scenario.knowledge, cache_dir)
    return Shared(
        scenario,
        ScriptFlow(scenario),
        lru_cache(4096)(examples.read),
        heard.load(),
        steps_of(scenario)[0],
        Metrics(),
        Settings(vad="webrtc"),
    )


def simulate(
    script: Script, shared: Shared, invariants: Sequence[Callable[..., Any]] = ALL
) -> Outcome:
    """Play the call of `script` from its first message to its last."""
    call = _Call(script, shared, invariants)
    try:
        return loop.run(call.run())
    except (loop.Leftover, loop.Stuck) as error:
        return call.outcome([Violation("nothing is left", call.now(), str(error))])


class _Call:
    def __init__(
        self, script: Script, shared: Shared, invariants: Sequence[Callable[..., Any]]
    ) -> None:
        self.script = script
        self._shared = shared
        self._invariants = invariants
        self._errors: list[str] = []
        self._watch: Watch
        self._phone: Phone
        self._caller: SimCaller
        self._clock = LoopClock()
        self._start = 0.0
        self._last = 0.0

    def now(self) -> float:
        return self._last

    async def run(self) -> Outcome:
        running_loop = asyncio.get_running_loop()
        assert isinstance(running_loop, loop.VirtualLoop)
        running_loop.set_exception_handler(self._broken)
        script, shared, clock = self.script, self._shared, self._clock
        self._start = start = clock.now()
        world = running_loop.world
        self._watch = watch = Watch(self._invariants, clock.now, start)
        ticker = Ticker(clock)
        troubles = Troubles(clock, _troubles(script, start))
        caller = self._caller = SimCaller(script, shared.steps)
        ear = Ear(script, caller.line, shared.recordings)
        store = SimStore(troubles)
        speech = SimSpeech(ear, troubles, clock, world.at, script.seed, cloud=script.cloud)
        parts = Parts(shared.settings, clock, ticker, speech=speech, store=store)
        parts.serve(self._running(troubles))
        admission = Admission(1, 10.0, ticker.lag_s, lambda: 0.0)
        calls = Calls(parts, admission, shared.metrics, ticker, lambda: f"sim-{script.seed}")
        route = MediaRoute(calls)
        phone = self._phone = Phone(script, caller, ear, world, start, clock.now, watch.received)

        def carry(message: bytes | str) -> float:
            watch.sent(message)
            return phone.carry(message)

        wire = SimWire(clock.now, world.at, carry, phone.closing)
        phone.connect(wire)
        for fault in script.faults:
            if fault.of == "loop":
                world.at(start + fault.at_s, lambda due, s: running_loop.stall(s), fault.for_s)
        query = f"scenario=sim&rate={script.rate_hz}&features={script.features}"
        scope = {"query_string": query.encode(), "extensions": {EXTENSION: wire}}
        with faults_of_ours(self._errors.append):
            lasted_s = await self._serve(route, scope, wire)
        log = await self._log(store)
        self._last = lasted_s
        left_at_s = min(lasted_s, self._left_at_s())
        watch.ended(
            Ended(
                far=phone.far,
                lasted_s=lasted_s,
                far_left=phone.ended is not None or script.network.vanishes_s != NEVER,
                left_at_s=left_at_s,
                store_out=any(
                    fault.of == "store" and fault.at_s + fault.for_s + STORE_S > left_at_s
                    for fault in script.faults
                ),
                vanished=script.network.vanishes_s < lasted_s,
                cloud=script.cloud,
                spoken=[
                    (one.first / script.rate_hz, one.last / script.rate_hz) for one in caller.said
                ],
                most_waiting_bytes=wire.most_waiting_bytes,
                patience_s=_patience_s(script),
                left_over=self._left_over(running_loop, ticker, admission),
                errors=self._errors,
                log=log,
                marks="mark" in script.features,
                clears="clear" in script.features,
                arrived=phone.arrived,
            )
        )
        world.stop()
        return self.outcome(())

    def outcome(self, more: Sequence[Violation]) -> Outcome:
        return Outcome(
            self.script,
            [*self._watch.violations, *more],
            self._phone.far,
            self._caller.said,
            self._phone.messages,
            self._last,
            self._phone.wire.reason,
        )

    def _running(self, troubles: Troubles) -> Running:
        shared, script = self._shared, self.script
        chance = random.Random(f"mind {script.seed}")
        model = Model(shared.read, troubles, chance, MODEL_MS[script.cloud])

        async def examples(text: str, question: Any) -> Understanding:
            return shared.read(text, question.intents)

        minds = Ladder([Rung("model", model.understand), Rung("examples", examples)], self._clock)
        scenario = shared.scenario
        barge_in = BargeIn.of(scenario.backchannels, scenario.stop_words)
        return Running(scenario, shared.flow, minds, barge_in)

    async def _serve(self, route: MediaRoute, scope: dict[str, Any], wire: SimWire) -> float:
        """Until the route returns; in seconds after the start."""
        connected = False

        async def receive() -> Any:
            nonlocal connected
            if not connected:
                connected = True
                return {"type": "websocket.connect"}
            return await wire.receive()

        async def send(message: Any) -> None:
            if message["type"] == "websocket.close":
                wire.close(message.get("code", 1000), message.get("reason", ""))

        serving = asyncio.create_task(route(scope, receive, send), name="call")
        limit_s = self.script.minutes * 60 + PING_S + GRACE_S + _patience_s(self.script)
        done, _ = await asyncio.wait({serving}, timeout=limit_s)
        lasted_s = self._clock.now() - self._start
        if not done:
            self._errors.append(f"the call had not ended after {lasted_s:.0f} s")
            serving.cancel()
            await asyncio.wait({serving})
        elif (error := serving.exception()) is not None:
            self._errors.append(f"{type(error).__name__}: {error}")
        return lasted_s

    async def _log(self, store: SimStore) -> list[tuple[str, dict[str, Any]]] | None:
        """What the store has, if it is whole."""
        sessions = store.sessions()
        if len(sessions) != 1:
            return None
        events = [(event.name, dict(event.data)) for event in await store.read(sessions[0])]
        return events if events and events[-1][0] == "session.closed" else None

    def _left_at_s(self) -> float:
        """When the far end was gone, or the engine hung up."""
        times = [self.script.hangs_up_s, self.script.network.vanishes_s]
        times += [
            at
            for at, message in self._phone.messages
            if message["type"] == "hangup" or message.get("fatal")
        ]
        return min(times)

    def _left_over(
        self, running_loop: loop.VirtualLoop, ticker: Ticker, admission: Admission
    ) -> list[str]:
        me = asyncio.current_task()
        left = [f"task {task.get_name()}" for task in asyncio.all_tasks() if task is not me]
        if len(ticker):
            left.append(f"{len(ticker)} subscriptions of the ticker")
        if admission.active:
            left.append(f"{admission.active} slots")
        left += [f"timer {handle!r}" for handle in running_loop.timers()]
        return left

    def _broken(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if not isinstance(error, PalabreError):
            self._errors.append(f"{context.get('message')}: {error!r}")


def _troubles(script: Script, start: float) -> list[Trouble]:
    return [
        Trouble(fault.of, fault.kind, start + fault.at_s, start + fault.at_s + fault.for_s)
        for fault in script.faults
        if fault.of in {"stt", "tts", "mind", "store"}
    ]


def _patience_s(script: Script) -> float:
    """Silence that is no fault of the engine's: the network's, and of services in trouble."""
    network = script.network
    seconds = 4 * (network.delay_s + network.jitter_s) + sum(s for _, s in network.stalls)
    if network.loss:
        seconds += 1.0
    for fault in script.faults:
        if fault.of in {"loop", "reader"}:
            seconds += fault.for_s
        elif fault.of in {"stt", "tts"}:
            seconds += fault.for_s + 3.0
    return seconds
