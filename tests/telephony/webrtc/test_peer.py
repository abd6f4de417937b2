"""A connection from offer to goodbye, over real UDP: what goes through it, and that nothing is
left of it, however it ends."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

pytest.importorskip("aiortc", reason="needs the extra webrtc")

from engine.errors import ConfigurationError
from telephony.webrtc.incoming import Packet
from telephony.webrtc.negotiation import Offer
from telephony.webrtc.opus import Encoder
from telephony.webrtc.peer import Peer, check_installed
from tests.telephony.webrtc.client import RtcClient, calling, loopback
from tests.telephony.webrtc.offers import CHROME

__all__ = ["loopback"]

pytestmark = [
    pytest.mark.integration,
    pytest.mark.asyncio,
    pytest.mark.usefixtures("loopback"),
]

TONE = b"\x00\x20\x00\xe0" * 160


class _Ours:
    """Our side: a peer that sends a tone, and notes what it gets."""

    def __init__(self, offer: Offer) -> None:
        self.peer = Peer(offer, [])
        self.packets: list[Packet] = []
        self.told: list[str | bytes] = []
        self._encoder = Encoder()
        self._sent = 0
        self.peer.attach(self._next, self.packets.append, self.told.append)

    async def _next(self) -> tuple[bytes, int]:
        await asyncio.sleep(0.02)
        self._sent += 1
        return self._encoder.encode(TONE), self._sent * 960


async def answered(client: RtcClient) -> _Ours:
    ours = _Ours(Offer.parse(await client.offer()))
    await client.answered(await ours.peer.answer())
    return ours


@asynccontextmanager
async def connected(*, data: bool = True) -> AsyncIterator[tuple[RtcClient, _Ours]]:
    """Both sides of a connection that stands."""
    async with calling(data=data) as client:
        ours = await answered(client)
        try:
            async with asyncio.timeout(10):
                await ours.peer.connect()
            yield client, ours
        finally:
            await ours.peer.close(polite=False)


async def until(condition: object, within_s: float = 10.0) -> None:
    assert callable(condition)
    async with asyncio.timeout(within_s):
        while not condition():  # noqa: ASYNC110 nothing tells
            await asyncio.sleep(0.01)


async def test_sound_goes_both_ways() -> None:
    async with connected(data=False) as (client, ours):
        await client.until(lambda: len(client.loud) > 20)
        await until(lambda: len(ours.packets) > 20)
        sequence = [packet.sequence for packet in ours.packets]
        assert sequence == list(range(sequence[0], sequence[0] + len(sequence)))
        assert {packet.payload_type for packet in ours.packets} == {96}


async def test_messages_go_both_ways_and_wait_for_the_channel() -> None:
    async with calling() as client:
        ours = await answered(client)
        ours.peer.send('{"type":"before"}')
        assert ours.peer.waiting_bytes == 17
        try:
            await ours.peer.connect()
            ours.peer.send('{"type":"after"}')
            await client.expect("after")
            assert [message["type"] for message in client.messages] == ["before", "after"]
            client.send(type="dtmf", digit="5")
            await until(lambda: ours.told)
            assert ours.told == ['{"type": "dtmf", "digit": "5"}']
            await until(lambda: ours.peer.waiting_bytes == 0)
        finally:
            await ours.peer.close(polite=False)


async def test_without_a_data_channel_nothing_waits_for_one() -> None:
    async with connected(data=False) as (_, ours):
        ours.peer.send("x")
        assert ours.peer.waiting_bytes == 0


async def test_the_peer_is_told_how_its_packets_arrive() -> None:
    async with connected(data=False) as (client, _):
        (sender,) = client.connection.getSenders()

        async def reported() -> bool:
            report = await sender.getStats()
            return any(one.type == "remote-inbound-rtp" for one in report.values())

        async with asyncio.timeout(5):
            while not await reported():  # noqa: ASYNC110 nothing tells
                await asyncio.sleep(0.1)


async def test_a_peer_that_says_goodbye_is_gone_at_once() -> None:
    async with connected() as (client, ours):
        gone = asyncio.create_task(ours.peer.gone())
        await asyncio.sleep(0.05)
        assert not gone.done()
        await client.connection.close()
        async with asyncio.timeout(5):
            assert await gone is False


async def test_a_peer_that_vanishes_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("aioice.ice.CONSENT_INTERVAL", 0.1)  # 5 s, six times (RFC 7675)
    async with connected() as (client, ours):
        await client.until(lambda: client.loud)
        client.vanish()
        async with asyncio.timeout(20):
            assert await ours.peer.gone() is True


async def test_what_was_said_last_is_heard_before_the_end() -> None:
    async with connected() as (client, ours):
        ours.peer.send('{"type":"hangup"}')
        await ours.peer.close()
        await client.expect("hangup")
        await client.gone()


async def test_a_peer_that_does_not_read_does_not_hold_the_end_up() -> None:
    async with connected() as (client, ours):
        ours.peer.send("{}")
        await until(lambda: client.messages)
        client.vanish()
        ours.peer.send("{}")
        began = asyncio.get_running_loop().time()
        await ours.peer.close()
        assert 1.0 < asyncio.get_running_loop().time() - began < 3.0


async def test_nobody_there() -> None:
    """A whole offer of somebody who is gone: cancelled, as its holder does."""
    ours = _Ours(Offer.parse(CHROME.replace("192.0.2.2", "127.0.0.1")))
    await ours.peer.answer()
    try:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await ours.peer.connect()
    finally:
        await ours.peer.close(polite=False)


async def test_an_impostor_is_not_talked_to() -> None:
    """The handshake is done with another certificate than that of the offer."""
    async with calling() as client:
        offer = await client.offer()
        forged = re.sub(r"(a=fingerprint:sha-\d+ )[0-9A-F]{2}", r"\g<1>00", offer)
        ours = _Ours(Offer.parse(forged))
        await client.answered(await ours.peer.answer())
        try:
            with pytest.raises(ConnectionError, match="handshake"):
                async with asyncio.timeout(10):
                    await ours.peer.connect()
        finally:
            await ours.peer.close(polite=False)
    assert ours.packets == []


async def test_a_peer_that_was_never_answered_leaves_nothing() -> None:
    ours = _Ours(Offer.parse(CHROME))
    await ours.peer.close(polite=False)


async def test_without_aiortc_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed()
    monkeypatch.setitem(sys.modules, "aiortc", None)
    with pytest.raises(ConfigurationError, match=r"palabre\[webrtc\]"):
        check_installed()
