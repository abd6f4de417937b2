"""Calls that are only listened to: forks as Asterisk and FreeSWITCH send them, and a real snoop."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from bench.asterisk import HOST, Asterisk
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import PATIENCE_S, answered, eventually, said_by_caller
from tests.server.served import Served, serving, speech

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


TOKEN = "of-this-test"


class Engine:
    """A server, and what it has kept of the last call."""

    def __init__(self, served: Served, journal: Path) -> None:
        self.served = served
        self._journal = journal

    async def kept(self, call: str) -> list[dict[str, Any]]:
        """What is kept of the conversation `call`, once it is over."""
        found: list[list[dict[str, Any]]] = []

        def closed() -> bool:
            found.clear()
            for path in self._journal.glob("*.jsonl"):
                whole, _, _ = path.read_text().rpartition("\n")
                events = [event for line in whole.splitlines() for event in json.loads(line)]
                if events and events[0]["data"].get("listening") == call:
                    found.append(events)
            return bool(found) and found[0][-1]["name"] == "session.closed"

        await eventually(closed, f"the end of {call}")
        (events,) = found
        return events


@pytest.fixture(scope="module")
def engine(
    asterisk_instance: Asterisk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("served")
    port = str(asterisk_instance.ports.media)
    journal = str(folder / "journal")
    with serving(
        folder / "log",
        "--port",
        port,
        "--capacity",
        "2",
        PALABRE_JOURNAL=journal,
        PALABRE_LISTEN_TOKEN=TOKEN,
    ) as served:
        yield Engine(served, folder / "journal")


@asynccontextmanager
async def fork(engine: Engine, query: str, subprotocol: str) -> AsyncIterator[ClientConnection]:
    url = f"ws://{HOST}:{engine.served.port}/fork?{query}"
    async with (
        asyncio.timeout(PATIENCE_S),
        connect(url, subprotocols=[Subprotocol(subprotocol)], compression=None, proxy=None) as ws,
    ):
        assert ws.subprotocol == subprotocol
        yield ws


async def say(socket: ClientConnection, words: bytes, frame_bytes: int, silence: int = 30) -> None:
    """In real time, then silence."""
    words += bytes(-len(words) % frame_bytes + silence * frame_bytes)
    loop = asyncio.get_running_loop()
    began = loop.time()
    for number, start in enumerate(range(0, len(words), frame_bytes)):
        await socket.send(words[start : start + frame_bytes])
        await asyncio.sleep(max(0.0, began + number * 0.02 - loop.time()))


async def test_both_sides_of_app_audiofork_are_one_conversation(engine: Engine) -> None:
    words = said_by_caller().tobytes()
    async with (
        fork(engine, "call=a1&side=caller", "echo") as caller,
        fork(engine, "call=a1&side=agent", "echo") as agent,
    ):
        _, _, body = await engine.served.get("/calls")
        states = [(call["origin"], call["state"]) for call in json.loads(body)["calls"]]
        assert states == [("fork", "overhearing")] * 2
        with pytest.raises(InvalidStatus) as full:
            async with fork(engine, "call=a1&side=third", "echo"):
                pass
        assert full.value.response.status_code == 503
        await say(caller, words, 320)
        await say(agent, words, 320)
    events = await engine.kept("a1")
    said = [event["data"] for event in events if event["name"] == "said"]
    assert [(one["side"], one["text"]) for one in said] == [
        ("caller", "oui bonjour"),
        ("agent", "oui bonjour"),
    ]
    assert 0 <= said[0]["from_s"] < said[0]["to_s"] < said[1]["from_s"] < said[1]["to_s"]
    last = events[-1]["data"]
    assert last["reason"] == "caller"
    assert last["account"]["sides"]["agent"]["words"] == 2
    await engine.served.settles("calls_active", 0)


async def test_freeswitch_is_told_what_is_said(engine: Engine) -> None:
    words = speech()
    both = b"".join(words[n : n + 2] + b"\0\0" for n in range(0, len(words), 2))
    async with fork(engine, "call=f1&rate=16000&channels=2", "audio.drachtio.org") as socket:
        await socket.send('{"from":"1001"}')
        await say(socket, both, 1280)
        async for message in socket:
            told = json.loads(message)
            if told["data"]["final"]:
                break
        assert told == {
            "type": "transcription",
            "data": {"side": "caller", "text": "oui bonjour", "final": True},
        }
    said = [event["data"] for event in await engine.kept("f1") if event["name"] == "said"]
    assert [one["side"] for one in said] == ["caller"]


@pytest.mark.parametrize("query", ["rate=44100", "scenario=nothing"])
async def test_requests_that_make_no_sense(engine: Engine, query: str) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with fork(engine, query, "echo"):
            pass
    assert caught.value.response.status_code == 400
    assert b"known: " in (caught.value.response.body or b"")


@asynccontextmanager
async def application(asterisk: Asterisk) -> AsyncIterator[asyncio.Queue[dict[str, Any]]]:
    """ARI's application, and its events."""
    events: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    url = f"ws://{HOST}:{asterisk.ports.http}/ari/events?app={asterisk.ari_app}"
    key = quote(f"{asterisk.ari_user}:{asterisk.ari_password}", safe="")
    async with connect(f"{url}&api_key={key}", compression=None, proxy=None) as socket:

        async def read() -> None:
            async for message in socket:
                events.put_nowait(json.loads(message))

        reading = asyncio.create_task(read())
        try:
            yield events
        finally:
            reading.cancel()
            await asyncio.wait({reading})


async def test_a_call_between_people_is_overheard(asterisk: Asterisk, engine: Engine) -> None:
    """ARI's snoop of each direction, bridged with a media channel that only takes sound in."""

    async def ari(path: str, method: str = "POST") -> Any:
        return await asyncio.to_thread(asterisk.ari, path, method)

    async def overhear(
        channel: str, spy: str, side: str, events: asyncio.Queue[dict[str, Any]]
    ) -> list[str]:
        snoop = await ari(f"/channels/{channel}/snoop?spy={spy}&app={asterisk.ari_app}")
        data = quote(f"f(json)d(in)v(listen=s1,side={side})")
        media = await ari(
            f"/channels/externalMedia?app={asterisk.ari_app}&transport=websocket"
            f"&encapsulation=none&format=slin16&external_host=media1&transport_data={data}"
        )
        waited = {snoop["id"], media["id"]}
        while waited:
            event = await events.get()
            if event["type"] == "StasisStart":
                waited.discard(event["channel"]["id"])
        bridge = await ari("/bridges?type=mixing")
        await ari(f"/bridges/{bridge['id']}/addChannel?channel={snoop['id']},{media['id']}")
        return [f"/channels/{media['id']}", f"/channels/{snoop['id']}", f"/bridges/{bridge['id']}"]

    async with application(asterisk) as events, answered(asterisk, "400") as call:
        (channel,) = await ari("/channels", "GET")
        made = [
            *await overhear(channel["id"], "in", "caller", events),
            *await overhear(channel["id"], "out", "agent", events),
        ]
        call.mouth.say(said_by_caller())  # and the echo says the same
        await eventually(lambda: call.mouth.speaking is False, "all of it")
        await asyncio.sleep(1.0)
        for path in made:
            await ari(path, "DELETE")
        assert call.end is None, "it does not notice"
        call.hang_up()
        await call.ended()
    said = [event["data"] for event in await engine.kept("s1") if event["name"] == "said"]
    assert sorted((one["side"], one["text"]) for one in said) == [
        ("agent", "oui bonjour"),
        ("caller", "oui bonjour"),
    ]
