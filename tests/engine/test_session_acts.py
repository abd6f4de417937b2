"""What the flow has others do: shown when the turn that says it has been said."""

from __future__ import annotations

import asyncio

from engine.flow import Effect, Event, FlowState, Record, Signal, Started, Understood
from engine.frames import Connect, Dtmf, Frame, Hangup, Recording, Say, Transfer
from tests.engine.conversation import GREETING, Conversation, Echo, conversation, took
from tests.virtual import virtual

AGENT = Transfer("1002")


class Acting(Echo):
    def step(self, state: FlowState, event: Event) -> tuple[FlowState, tuple[Effect, ...]]:
        match event:
            case Started():
                return state, (Say(GREETING, question=True), Recording(True))
            case Understood(text="conseiller"):
                return took(state, "conseiller"), (Say("Ne quittez pas."), AGENT)
            case Understood(text="plus d'enregistrement"):
                return took(state, "stop"), (Recording(False), Say("C'est arrêté."))
            case Signal(name="transfer.answered", data=data):
                return state, (Record("transfer.answered", data), Connect())
            case _:
                return super().step(state, event)


def acts(talk: Conversation) -> list[Frame]:
    return [f for f in talk.seen if isinstance(f, Transfer | Connect | Recording)]


@virtual
async def test_a_transfer_begins_when_its_line_has_been_said() -> None:
    async with conversation() as talk:
        talk.session._flow = Acting()
        await asyncio.sleep(3)
        talk.say("conseiller")
        await asyncio.sleep(0.5)
        assert AGENT not in acts(talk)
        await asyncio.sleep(2)
        assert acts(talk)[-1] == AGENT
        talk.session.deliver(Signal("transfer.answered", {}, talk.now))
        await asyncio.sleep(0.1)
        assert acts(talk)[-1] == Connect()


@virtual
async def test_a_line_that_is_cut_off_once_heard_is_followed_by_its_act() -> None:
    async with conversation() as talk:
        talk.session._flow = Acting()
        await asyncio.sleep(3)
        talk.say("conseiller")
        await asyncio.sleep(0.5)
        talk.session.deliver(Dtmf("1", talk.now))
        await asyncio.sleep(0.01)
        assert acts(talk)[-1] == AGENT


@virtual
async def test_a_line_that_nobody_heard_has_no_act() -> None:
    async with conversation() as talk:
        talk.session._flow = Acting()
        await asyncio.sleep(3)
        talk.say("conseiller")
        await asyncio.sleep(0.01)
        talk.say("non")
        await asyncio.sleep(3)
    assert AGENT not in acts(talk)


@virtual
async def test_a_recording_ends_at_once() -> None:
    async with conversation() as talk:
        talk.session._flow = Acting()
        await asyncio.sleep(3)
        talk.say("plus d'enregistrement")
        await asyncio.sleep(0.01)
        assert acts(talk) == [Recording(True), Recording(False)]  # before a word of the answer


@virtual
async def test_what_ends_does_nothing_any_more() -> None:
    async with conversation() as talk:
        talk.session._flow = Acting()
        await asyncio.sleep(3)
        talk.say("conseiller")
        await asyncio.sleep(0.5)
        talk.session.deliver(Hangup("caller"))
        await asyncio.sleep(3)
    assert AGENT not in acts(talk)
