"""Conversations that are listened to: who is heard in one, and what is kept of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from engine.channel import Capabilities
from engine.clock import LoopClock
from engine.frames import Audio, Hangup
from engine.store import MemoryStore
from pipelines.listening import Utterance
from server.app import Application
from server.calls import Prepared
from server.listening import FEED, Listening
from server.parts import Parts
from server.settings import Settings
from telephony.inlet import Inlet
from tests.fakes import FakeAudioChannel, FlakyStore
from tests.server.served import speech
from tests.virtual import virtual


class Side(FakeAudioChannel):
    """A side of a call."""

    def __init__(self) -> None:
        super().__init__(Capabilities(rate_hz=16000))
        self.dropped = 0
        self.inlet = Inlet()
        self.inlet.faults["audio.stale"] = 2

    def lost(self, reason: str, fault: str | None = None) -> None:
        self.deliver(Hangup(reason))

    def fail(self, code: str, message: str) -> None:
        if self.inlet.close(code):
            self.close(code)


class Server:
    """One with a store that a test reads."""

    def __init__(self, prepared: Prepared, store: MemoryStore | None = None) -> None:
        self.store = store or MemoryStore()
        self.prepared = prepared
        self.clock = LoopClock()
        settings = Settings(speech="null", vad="webrtc")
        self.application = Application(settings, self.clock)
        self.calls = self.application.calls
        self.calls.parts = Parts(settings, self.clock, self.calls.ticker, store=self.store)
        names = iter(("one", "two", "three"))
        self.calls.new_id = lambda: next(names)
        self.listening = Listening(self.calls)

    def hear(self, name: str, side: str, channel: Side, **more: Any) -> asyncio.Task[str]:
        return asyncio.create_task(
            self.listening.hear(name, side, channel, self.prepared, origin="test", **more)
        )

    async def say(self, channel: Side) -> None:
        words = speech() + bytes(640 * 30)
        for start in range(0, len(words), 640):
            channel.deliver(Audio(words[start : start + 640], 16000, self.clock.now()))
            await asyncio.sleep(0.02)

    async def kept(self, session: str) -> list[tuple[str, dict[str, Any]]]:
        return [(event.name, dict(event.data)) for event in await self.store.read(session)]


def prepare() -> Prepared:
    """Threads prepare it, so it is made on a loop of its own."""
    application = Application(Settings(speech="null", vad="webrtc"))
    asyncio.run(application.parts.start())
    return application.calls.prepare("bench")


@pytest.fixture(scope="module")
def prepared() -> Prepared:
    return prepare()


@virtual
async def test_sides_of_one_name_are_one_conversation(prepared: Prepared) -> None:
    server = Server(prepared)
    caller, agent, other = Side(), Side(), Side()
    said: list[tuple[str, str]] = []

    def note(side: str, utterance: Utterance) -> None:
        said.append((side, utterance.text))

    hearing = [
        server.hear("c1", "caller", caller, said=note),
        server.hear("c1", "caller", agent),
        server.hear("", "caller", other),
    ]
    await asyncio.sleep(0)
    listed = [(call["session"], call["state"]) for call in server.calls.listed()]
    assert listed == [
        (f"{name}", "overhearing") for name in ("one.caller", "one.caller2", "two.caller")
    ]
    await server.say(caller)
    await server.say(agent)
    caller.lost("caller")
    assert await hearing[0] == "caller"
    assert "session.closed" not in [name for name, _ in await server.kept("one")]
    agent.lost("stalled")
    assert await hearing[1] == "stalled"
    other.lost("caller")
    await hearing[2]
    begun, *spoken, over = await server.kept("one")
    assert begun == ("session.started", {"listening": "c1"})
    assert [(name, data["side"], data["text"]) for name, data in spoken] == [
        ("said", "caller", "oui bonjour"),
        ("said", "caller2", "oui bonjour"),
    ]
    assert 0 <= spoken[0][1]["from_s"] < spoken[0][1]["to_s"] < spoken[1][1]["from_s"]
    assert over[0] == "session.closed"
    assert over[1]["reason"] == "stalled"
    assert over[1]["account"]["sides"]["caller2"]["words"] == 2
    assert said == [("caller", "oui bonjour"), ("caller2", "oui bonjour")]
    assert [name for name, _ in await server.kept("two")] == ["session.started", "session.closed"]
    assert not server.calls.running
    assert caller.closed == "caller"
    assert b'protocol_faults_total{code="audio.stale"} 6.0' in server.calls.metrics.text()
    assert len(server.calls.ticker) == 0


@virtual
async def test_who_follows_sees_what_was_said_and_what_is(prepared: Prepared) -> None:
    server = Server(prepared)
    caller = Side()
    hearing = server.hear("c1", "caller", caller)
    await asyncio.sleep(0)
    conversation = server.listening.open["c1"]
    slow = conversation.follow()
    await server.say(caller)
    feed = conversation.follow()
    conversation.note_interim("caller", "je voudrais")
    caller.lost("caller")
    await hearing
    heard, interim, last = [entry async for entry in feed]
    assert (heard["side"], heard["text"], heard["final"]) == ("caller", "oui bonjour", True)
    assert interim == {"side": "caller", "text": "je voudrais", "final": False}
    assert (last["reason"], last["account"]["sides"]["caller"]["utterances"]) == ("caller", 1)
    assert not server.listening.open
    assert len(slow) == 3


@virtual
async def test_who_does_not_keep_up_is_left_behind(prepared: Prepared) -> None:
    server = Server(prepared)
    caller = Side()
    hearing = server.hear("c1", "caller", caller)
    await asyncio.sleep(0)
    conversation = server.listening.open["c1"]
    feed = conversation.follow()
    for _ in range(FEED + 1):
        conversation.note_interim("caller", "et")
    assert feed.closed
    assert not conversation.feeds
    caller.lost("caller")
    await hearing


@virtual
async def test_the_server_stops(prepared: Prepared) -> None:
    server = Server(prepared)
    side = Side()
    hearing = server.hear("c1", "caller", side)
    await asyncio.sleep(0)
    server.calls.stop()
    assert side.inlet.fault == "server.draining"
    side.closed = None
    side.lost("draining")
    assert await hearing == "draining"


@virtual
async def test_a_listening_that_is_cancelled_says_so(prepared: Prepared) -> None:
    server = Server(prepared)
    side = Side()
    hearing = server.hear("c1", "caller", side)
    await asyncio.sleep(0)
    hearing.cancel()
    with capture_logs() as logs:
        await asyncio.wait({hearing})
    assert hearing.cancelled()
    assert [log["reason"] for log in logs if log["event"] == "listening.ended"] == ["cancelled"]
    assert side.closed == "cancelled"
    assert (await server.kept("one"))[-1][1]["reason"] == "cancelled"


@virtual
async def test_a_fault_of_ours_ends_one_side_only(prepared: Prepared) -> None:
    server = Server(prepared)
    broken, whole = Side(), Side()

    def refuse(receiver: object) -> None:
        raise RuntimeError

    broken.attach = refuse  # type: ignore[method-assign]
    hearing = [server.hear("c1", "agent", whole), server.hear("c1", "caller", broken)]
    assert await hearing[1] == "error"
    assert broken.inlet.fault == "server.error"
    await server.say(whole)
    whole.lost("caller")
    assert await hearing[0] == "caller"
    assert ("said", "agent") in [
        (name, data.get("side")) for name, data in await server.kept("one")
    ]


@virtual
async def test_a_store_that_cannot_be_reached_loses_no_call(prepared: Prepared) -> None:
    store = FlakyStore()
    server = Server(prepared, store)
    store.failures = 10_000
    side = Side()
    hearing = server.hear("c1", "caller", side)
    await asyncio.sleep(0)
    side.lost("caller")
    assert await hearing == "caller"
