"""What is found in an Asterisk at a connection, and what becomes of it; in virtual time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from engine.errors import ConfigurationError
from server.asterisk import control as module
from server.asterisk.control import Control
from server.asterisk.leg import Leg
from telephony.asterisk.ari.client import Ari
from telephony.asterisk.ari.errors import AriError
from telephony.asterisk.ari.events import Event, StasisStart
from tests.virtual import virtual


def channel(name: str, state: str = "Up", doing: str = "Stasis") -> dict[str, Any]:
    return {"id": name, "state": state, "dialplan": {"exten": "300", "app_name": doing}}


class FakeAsterisk:
    """One that has `channels` and `bridges`; `errors` are raised by the next connections."""

    def __init__(self, *channels: dict[str, Any], **bridges: list[str]) -> None:
        self.channels = {channel["id"]: channel for channel in channels}
        self.bridges = {name.replace("_", "."): members for name, members in bridges.items()}
        self.ours = set(self.channels)
        """The channels of the application."""
        self.errors: list[AriError] = []
        self.attempts = 0
        self.connected: Ari | None = None
        self._on_event: Callable[[Event], None] = lambda event: None

    @asynccontextmanager
    async def connect(
        self, url: str, user: str, password: str, app: str, on_event: Callable[[Event], None]
    ) -> AsyncIterator[Ari]:
        self.attempts += 1
        if self.errors:
            raise self.errors.pop(0)

        def send(text: str) -> None:
            asyncio.get_running_loop().call_soon(ari.received, self._answer(json.loads(text)))

        ari = self.connected = Ari(app, send, on_event)
        yield ari

    def _answer(self, request: dict[str, Any]) -> str:
        status, body = 200, self._do(f"{request['method']} {request['uri']}")
        if body is None:
            status = 204
        answer = {"type": "RESTResponse", "request_id": request["request_id"]}
        return json.dumps(answer | {"status_code": status, "message_body": json.dumps(body)})

    def _do(self, asked: str) -> Any:
        verb, _, what = asked.partition(" ")
        match verb, what.split("/"):
            case "GET", ["asterisk", _]:
                return {"system": {"version": "22"}}
            case "GET", ["applications", name]:
                here = [name for name in self.channels if name in self.ours]
                return {"name": name, "channel_ids": here, "bridge_ids": []}
            case "GET", ["channels"]:
                return list(self.channels.values())
            case "GET", ["bridges"]:
                return [{"id": name, "channels": ids} for name, ids in self.bridges.items()]
            case "DELETE", ["channels", name]:
                self.hang_up(name)
            case "DELETE", ["bridges", name]:
                self.bridges.pop(name, None)
        return None

    def hang_up(self, name: str) -> None:
        """It ends; who is connected is told."""
        gone = self.channels.pop(name, None)
        if gone is not None and self.connected is not None:
            event = {"type": "StasisEnd", "channel": gone}
            self.connected.received(json.dumps(event))

    def lose(self) -> None:
        """The connection is lost."""
        assert self.connected is not None
        self.connected.lost(AriError("ari.lost", "cut"))


@pytest.fixture
def controlling(monkeypatch: pytest.MonkeyPatch) -> Callable[[FakeAsterisk], Any]:
    @asynccontextmanager
    async def running(
        asterisk: FakeAsterisk, served: Callable[[StasisStart, Leg], None] = lambda start, leg: None
    ) -> AsyncIterator[Control]:
        monkeypatch.setattr(module, "connect", asterisk.connect)
        control = Control("palabre", url="http://pbx/ari")

        async def inbound(start: StasisStart, leg: Leg) -> None:
            served(start, leg)
            await leg.ended()

        control.inbound = inbound
        task = asyncio.create_task(control.run())
        await asyncio.sleep(1)
        try:
            yield control
        finally:
            task.cancel()
            await asyncio.wait({task})
        if not task.cancelled():
            task.result()

    return running


def test_what_a_dead_engine_left_is_deleted_and_nothing_else(controlling: Any) -> None:
    asterisk = FakeAsterisk(
        channel("palabre.media.1f"),
        channel("palabre.call.1f", "Ringing", ""),
        channel("palabre-17.1"),  # a caller who talked to it
        channel("palabre.call.2f", doing="Dial"),  # was handed to the dialplan
        channel("palabre.amd.1f", doing="AMD"),  # hears for us there
        channel("pbx-17.2", doing="Dial"),
        channel("other.media.1f"),
        palabre_bridge_1f=["palabre.media.1f", "palabre-17.1"],
        other_bridge_1f=["other.media.1f"],
    )
    asterisk.ours -= {"pbx-17.2", "other.media.1f", "palabre.amd.1f"}

    @virtual
    async def run() -> None:
        async with controlling(asterisk):
            assert set(asterisk.channels) == {"palabre.call.2f", "pbx-17.2", "other.media.1f"}
            assert set(asterisk.bridges) == {"other.bridge.1f"}

    run()


def test_who_came_while_nobody_listened_is_served(controlling: Any) -> None:
    asterisk = FakeAsterisk(channel("pbx-17.1", "Ring"))
    served: list[str] = []

    @virtual
    async def run() -> None:
        async with controlling(asterisk, lambda start, leg: served.append(start.channel.id)):
            assert served == ["pbx-17.1"]
            asterisk.hang_up("pbx-17.1")
            await asyncio.sleep(1)

    run()


def test_people_who_talk_are_left_alone_until_one_leaves(controlling: Any) -> None:
    asterisk = FakeAsterisk(
        channel("pbx-17.1"),
        channel("palabre.agent.1f-1"),
        palabre_people_1f=["pbx-17.1", "palabre.agent.1f-1"],
    )

    @virtual
    async def run() -> None:
        async with controlling(asterisk):
            assert len(asterisk.channels) == 2
            asterisk.lose()
            await asyncio.sleep(1)
            assert len(asterisk.channels) == 2
            asterisk.hang_up("pbx-17.1")
            await asyncio.sleep(1)
            assert not asterisk.channels
            assert not asterisk.bridges

    run()


def test_one_who_was_left_alone_while_no_engine_ran_is_hung_up(controlling: Any) -> None:
    asterisk = FakeAsterisk(channel("pbx-17.1"), palabre_people_1f=["pbx-17.1"])

    @virtual
    async def run() -> None:
        async with controlling(asterisk):
            assert not asterisk.channels
            assert not asterisk.bridges

    run()


def test_people_are_left_alone_when_the_engine_stops(controlling: Any) -> None:
    asterisk = FakeAsterisk(
        channel("pbx-17.1"),
        channel("palabre.agent.1f-1"),
        palabre_people_1f=["pbx-17.1", "palabre.agent.1f-1"],
    )

    @virtual
    async def run() -> None:
        async with controlling(asterisk):
            pass
        assert len(asterisk.channels) == 2

    run()


def test_what_ended_while_the_connection_was_lost_is_noticed(controlling: Any) -> None:
    asterisk = FakeAsterisk(channel("pbx-17.1", "Ring"))
    legs: list[Leg] = []

    @virtual
    async def run() -> None:
        async with controlling(asterisk, lambda start, leg: legs.append(leg)) as control:
            asterisk.errors = [AriError("ari.unreachable", "down")] * 3
            asterisk.lose()
            await asyncio.sleep(0)
            del asterisk.channels["pbx-17.1"]
            await asyncio.sleep(0.3)
            assert await control.check() == "down"
            with pytest.raises(AriError, match="down"):
                _ = control.ari
            assert not legs[0].gone
            await asyncio.sleep(60)
            assert asterisk.attempts == 5
            assert await control.check() is None
            assert legs[0].gone

    run()


def test_what_will_never_work_ends_the_first_attempt_and_no_later_one(controlling: Any) -> None:
    wrong = AriError("ari.credentials", "compare [palabre] in ari.conf")
    asterisk = FakeAsterisk()

    @virtual
    async def at_first() -> None:
        asterisk.errors = [wrong]
        async with controlling(asterisk):
            pass

    with pytest.raises(ConfigurationError, match=r"ari\.conf"):
        at_first()

    @virtual
    async def later() -> None:
        async with controlling(asterisk) as control:
            asterisk.errors = [wrong]
            asterisk.lose()
            await asyncio.sleep(60)
            assert await control.check() is None

    later()


def test_a_fault_in_one_call_does_not_reach_the_next(controlling: Any) -> None:
    asterisk = FakeAsterisk(channel("pbx-17.1", "Ring"), channel("pbx-17.2", "Ring"))
    served: list[str] = []

    def serve(start: StasisStart, leg: Leg) -> None:
        served.append(start.channel.id)
        if len(served) == 1:
            raise LookupError("a fault")

    @virtual
    async def run() -> None:
        async with controlling(asterisk, serve) as control:
            assert len(served) == 2
            assert set(asterisk.channels) == {served[1]}  # the other was hung up
            assert await control.check() is None

    run()
