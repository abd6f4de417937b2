"""A conversation to test sessions with: a flow that repeats what it understood, and the checks
that hold of every conversation, however it went."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from engine.clock import LoopClock
from engine.flow import (
    Effect,
    Event,
    FlowState,
    Question,
    Record,
    Signal,
    Silent,
    Started,
    Think,
    Understanding,
    Understood,
)
from engine.frames import (
    Dtmf,
    Frame,
    Hangup,
    Heard,
    Ledger,
    Recording,
    Say,
    StateChanged,
    Transfer,
)
from engine.ladder import Ladder, Rung
from engine.session import Session
from engine.store import MemoryStore
from engine.turn import TRANSITIONS, State
from tests.fakes import FakeMouth

ENDPOINT_S = 0.25
GREETING = "Bonjour, vous m'entendez ?"


class Echo:
    """Its state is the list of what it took in. Some words make it do something else."""

    def __init__(self) -> None:
        self.history: list[tuple[tuple[str, str], ...]] = []
        """What it was told was said before, each time."""

    def start(self) -> FlowState:
        return {"v": 1, "took": []}

    def step(self, state: FlowState, event: Event) -> tuple[FlowState, tuple[Effect, ...]]:
        if isinstance(event, Understood):
            self.history.append(event.history)
        match event:
            case Started():
                return state, (Say(GREETING, question=True),)
            case Silent(count=0):
                return took(state, "pause"), (Say("c'est noté"),)
            case Silent(count=count) if count >= 3:
                return took(state, "silence"), (Say("Au revoir."), Hangup("silence"))
            case Silent(count=count):
                return state, (Say(f"Vous êtes là ? ({count})"),)
            case Dtmf(digit=digit):
                return took(state, digit), (Record("key", {"digit": digit}), Say(f"touche {digit}"))
            case Signal(name="noted", data=data):
                return state, (Record("noted", data),)
            case Signal(name="changed"):
                return took(state, "changed"), (Record("answer", {"text": "changed"}),)
            case Signal(name="over", data=data):
                return took(state, "over"), (Record("over", data), Say("Fini."), Hangup("over"))
            case Signal():
                raise LookupError("an unknown signal")
            case Understood(text="rien"):
                return took(state, "rien"), (Record("answer", {"text": "rien"}),)
            case Understood(text="adieu"):
                return took(state, "adieu"), (Say("Au revoir."), Hangup("completed"))
            case Understood(text="pense"):
                return took(state, "pense"), (Think((("user", "pense"),), "Je ne sais pas."),)
            case Understood(text="passe"):
                return took(state, "passe"), (Say("Je vous passe quelqu'un."), Transfer("1002"))
            case Understood(text="efface"):
                return took(state, "efface"), (Recording(on=False), Say("C'est effacé."))
            case Understood(text="casse"):
                raise LookupError("a fault of the flow")
            case Understood(text=text, understanding=understanding):
                known = understanding.intent is not None
                return took(state, text), (
                    Record("answer", {"text": text}),
                    Say(f"vous dites {text}" if known else "pardon ?"),
                    Say("et ensuite ?", question=True),
                )
        raise AssertionError(event)

    def question(self, state: FlowState) -> Question:
        keying = state["took"][-1:] == ["*"]
        return Question(f"step {len(state['took'])}", ("any",), pause_s=2.0 if keying else 0.0)


def took(state: FlowState, what: str) -> FlowState:
    return {**state, "took": [*state["took"], what]}


async def understand(text: str, question: Question) -> Understanding:
    return Understanding("any", 0.9, "examples")


class Conversation:
    def __init__(
        self,
        mouth: FakeMouth | None = None,
        store: MemoryStore | None = None,
        rungs: Sequence[Rung[Understanding]] = (),
        silence_s: float = 6.0,
        notice: str = "",
    ) -> None:
        clock = LoopClock()
        self.mouth = mouth or FakeMouth()
        self.store = store or MemoryStore()
        self.seen: list[Frame] = []
        flow = Echo()
        self.history = flow.history
        self.session = Session(
            "s1",
            flow,
            Ladder(rungs or [Rung("examples", understand)], clock),
            self.mouth,
            self.store,
            clock,
            silence_s=silence_s,
            watch=self.seen.append,
            notice=notice,
        )
        self.running: asyncio.Task[str] | None = None

    @property
    def now(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def state(self) -> str:
        return str(self.session.machine.state)

    @property
    def ledgers(self) -> list[dict[str, Any]]:
        return [frame.turn for frame in self.seen if isinstance(frame, Ledger)]

    def heard(self, text: str) -> Heard:
        """What was said until now, at the end of its silence."""
        return Heard(text, self.now - ENDPOINT_S, self.now, self.now, 0.8)

    def say(self, text: str) -> bool:
        return self.session.deliver(self.heard(text))

    async def logged(self) -> list[tuple[str, dict[str, Any]]]:
        return [(event.name, dict(event.data)) for event in await self.store.read("s1")]

    async def answers(self) -> list[str]:
        """What the flow knows, as far as the log says so."""
        return [
            next(iter(data.values()))
            for name, data in await self.logged()
            if name in ("answer", "key")
        ]

    async def check(self) -> None:
        """What holds of every conversation that has ended."""
        state = State.LISTENING
        for frame in self.seen:
            if isinstance(frame, StateChanged):
                successors = {new for (old, _), new in TRANSITIONS.items() if old is state}
                assert frame.state in successors
                state = State(frame.state)
        assert state is State.CLOSED
        assert self.session.turn is None
        assert self.mouth.speaking is None
        assert [ledger["turn"] for ledger in self.ledgers] == list(range(1, len(self.ledgers) + 1))
        for ledger in self.ledgers:
            json.dumps(ledger)
            assert sum(ledger["spans"].values()) == max(ledger["marks"].values(), default=0.0)
        log = await self.logged()
        assert log[0][0] == "session.started"
        assert log[-1][0] == "session.closed"
        assert [data for name, data in log if name == "turn"] == self.ledgers


@asynccontextmanager
async def conversation(**parts: Any) -> AsyncIterator[Conversation]:
    """A running conversation. It is hung up at the end, and checked."""
    talk = Conversation(**parts)
    talk.running = asyncio.create_task(talk.session.run(), name="session")
    try:
        yield talk
        talk.session.deliver(Hangup("caller"))
        await talk.running
    finally:
        talk.running.cancel()
        await asyncio.wait({talk.running})
    await talk.check()


@asynccontextmanager
async def greeted(**parts: Any) -> AsyncIterator[Conversation]:
    """A conversation after its greeting, which lasted 1.15 s."""
    async with conversation(**parts) as talk:
        await asyncio.sleep(2)
        assert talk.state == "listening"
        yield talk
