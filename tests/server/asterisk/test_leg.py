"""A channel that is waited for."""

from __future__ import annotations

import asyncio

import pytest

from server.asterisk.leg import Leg, LegGone, Reached
from telephony.asterisk.ari.events import (
    Channel,
    ChannelDestroyed,
    ChannelHangupRequest,
    ChannelStateChange,
    Dial,
    Event,
    StasisEnd,
    StasisStart,
    Unknown,
)
from tests.virtual import virtual

CHANNEL = Channel("c1")


def led(*events: Event) -> tuple[Leg, list[Reached]]:
    seen: list[Reached] = []
    leg = Leg("c1", seen.append)
    for event in events:
        leg.take(event)
    return leg, seen


def test_a_call_that_is_answered_reaches_each_stage_once() -> None:
    leg, seen = led(
        StasisStart(CHANNEL),
        Dial(CHANNEL, ""),
        ChannelStateChange(Channel("c1", state="Ringing")),
        Dial(CHANNEL, "RINGING"),
        Dial(CHANNEL, "PROGRESS"),
        ChannelStateChange(Channel("c1", state="Up")),
        Dial(CHANNEL, "ANSWER"),
        Unknown("ChannelVarset", {}),
        ChannelDestroyed(CHANNEL, 16),
        ChannelDestroyed(CHANNEL, 17),
    )
    assert seen == [
        Reached.ENTERED,
        Reached.RINGING,
        Reached.PROGRESS,
        Reached.ANSWERED,
        Reached.GONE,
    ]
    assert (leg.entered, leg.rang, leg.answered, leg.gone) == (True,) * 4


def test_a_refusal_keeps_its_cause() -> None:
    leg, _ = led(
        ChannelHangupRequest(CHANNEL, 32),
        ChannelHangupRequest(CHANNEL, 17, 486),
        ChannelHangupRequest(CHANNEL),
    )
    assert (leg.cause, leg.tech_cause, leg.gone) == (17, 486, False)
    leg.take(ChannelDestroyed(CHANNEL, 21, 603))
    assert (leg.cause, leg.tech_cause, leg.gone) == (21, 603, True)


def test_one_that_came_to_us_ends_by_leaving() -> None:
    leg, seen = led(StasisStart(CHANNEL))
    leg.left(StasisEnd(CHANNEL))
    leg.vanished()
    assert seen == [Reached.ENTERED, Reached.GONE]


def test_who_waits_for_the_end_is_called_once() -> None:
    leg, _ = led()
    called: list[str] = []
    leg.when_gone(lambda: called.append("before"))
    assert not called
    leg.vanished()
    leg.vanished()
    leg.when_gone(lambda: called.append("after"))
    assert called == ["before", "after"]


@virtual
async def test_what_is_waited_for_comes_or_never_will() -> None:
    leg, _ = led()
    entered = asyncio.create_task(leg.in_application())
    taken = asyncio.create_task(leg.taken())
    ended = asyncio.create_task(leg.ended())
    await asyncio.sleep(1)
    leg.take(StasisStart(CHANNEL))
    await entered
    assert not taken.done()
    leg.take(ChannelDestroyed(CHANNEL, 17, 486))
    with pytest.raises(LegGone) as gone:
        await taken
    assert gone.value.leg is leg
    await ended
    with pytest.raises(LegGone):
        await leg.taken()
    await leg.in_application()  # that it had been


@virtual
async def test_the_dialplan_brings_one_back_with_arguments() -> None:
    leg, _ = led(StasisStart(CHANNEL))
    brought = asyncio.create_task(leg.brought())
    await asyncio.sleep(1)
    assert not brought.done()
    leg.take(StasisStart(CHANNEL, ("amd", "HUMAN")))
    assert await brought == ("amd", "HUMAN")
    other, _ = led(StasisStart(CHANNEL))
    other.vanished()
    with pytest.raises(LegGone):
        await other.brought()
