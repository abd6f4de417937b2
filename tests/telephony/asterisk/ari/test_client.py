"""The client, over a connection that the test holds."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from telephony.asterisk.ari.client import ANSWER_S, Application, Ari, Info
from telephony.asterisk.ari.errors import AriError
from telephony.asterisk.ari.events import Bridge, Channel, Event, Unknown
from tests.virtual import virtual


class Far:
    """Asterisk's side: answers each request with what `answers` has for it, or 204."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.answers: dict[str, list[tuple[int, Any]]] = {}
        self.silent = False
        self.events: list[Event] = []
        self.ari = Ari("palabre", self._take, self.events.append)

    def _take(self, text: str) -> None:
        request = json.loads(text)
        self.asked.append(request)
        if self.silent:
            return
        waiting = self.answers.get(f"{request['method']} {request['uri']}")
        status, body = waiting.pop(0) if waiting else (204, None)
        answer = {"type": "RESTResponse", "request_id": request["request_id"]}
        answer |= {"status_code": status, "message_body": json.dumps(body) if body else None}
        asyncio.get_running_loop().call_soon(self.ari.received, json.dumps(answer))

    @property
    def last(self) -> tuple[str, dict[str, str], Any]:
        """The last request, its query and its body."""
        asked = self.asked[-1]
        query = {item["name"]: item["value"] for item in asked.get("query_strings", ())}
        body = asked.get("message_body")
        return f"{asked['method']} {asked['uri']}", query, json.loads(body) if body else None


CHANNEL = {"id": "c1", "name": "PJSIP/x", "state": "Down", "channelvars": {"ID": "7"}}

Asking = Callable[[Ari], Awaitable[Any]]


@pytest.mark.parametrize(
    ("ask", "asked", "query"),
    [
        (lambda ari: ari.answer("a/1"), "POST channels/a%2F1/answer", {}),
        (lambda ari: ari.ring("1"), "POST channels/1/ring", {}),
        (lambda ari: ari.dial("1", 0.2), "POST channels/1/dial", {"timeout": "1"}),
        (lambda ari: ari.dial("1", 44.7), "POST channels/1/dial", {"timeout": "45"}),
        (lambda ari: ari.hold("1"), "POST channels/1/moh", {}),
        (lambda ari: ari.hold("1", "jazz"), "POST channels/1/moh", {"mohClass": "jazz"}),
        (lambda ari: ari.unhold("1"), "DELETE channels/1/moh", {}),
        (lambda ari: ari.hang_up("1"), "DELETE channels/1", {"reason": "normal"}),
        (lambda ari: ari.redirect("1", "X/2"), "POST channels/1/redirect", {"endpoint": "X/2"}),
        (
            lambda ari: ari.go_on("1", "from-sip", "400"),
            "POST channels/1/continue",
            {"context": "from-sip", "extension": "400", "priority": "1"},
        ),
        (
            lambda ari: ari.follow("s.1"),
            "POST applications/palabre/subscription",
            {"eventSource": "channel:s.1"},
        ),
        (
            lambda ari: ari.set_variable("1", "APP", "palabre"),
            "POST channels/1/variable",
            {"variable": "APP", "value": "palabre"},
        ),
        (lambda ari: ari.join("b", "1", "2"), "POST bridges/b/addChannel", {"channel": "1,2"}),
        (lambda ari: ari.part("b", "1"), "POST bridges/b/removeChannel", {"channel": "1"}),
        (lambda ari: ari.delete_bridge("b"), "DELETE bridges/b", {}),
    ],
)  # fmt: skip
def test_what_is_asked(ask: Asking, asked: str, query: dict[str, str]) -> None:
    @virtual
    async def run() -> None:
        far = Far()
        await ask(far.ari)
        assert far.last == (asked, query, None)

    run()


@virtual
async def test_what_is_answered_is_typed() -> None:
    far = Far()
    far.answers = {
        "GET asterisk/info": [
            (200, {"system": {"version": "22.10.1", "entity_id": "02:fc"}, "status": {}})
        ],
        "GET applications/palabre": [
            (200, {"name": "palabre", "channel_ids": ["c1"], "bridge_ids": []})
        ],
        "GET channels": [(200, [CHANNEL])],
        "GET bridges": [(200, [{"id": "b1", "channels": ["c1"]}])],
        "POST bridges/b1": [(200, {"id": "b1", "channels": []})],
        "POST channels/create": [(200, CHANNEL)],
        "POST channels/externalMedia": [(200, CHANNEL)],
        "POST channels/c1/snoop": [(200, CHANNEL)],
    }
    channel = Channel("c1", "PJSIP/x", "Down", variables={"ID": "7"})
    ari = far.ari
    assert await ari.info() == Info("22.10.1", "02:fc", "")
    assert await ari.application() == Application("palabre", ("c1",), ())
    assert await ari.channels() == (channel,)
    assert await ari.bridges() == (Bridge("b1", ("c1",)),)
    assert await ari.bridge("b1") == Bridge("b1")
    assert far.last[1] == {"type": "mixing"}
    assert await ari.create("c1", "PJSIP/x", {"A": "b"}) == channel
    assert far.last[1:] == (
        {"endpoint": "PJSIP/x", "app": "palabre", "channelId": "c1"},
        {"variables": {"A": "b"}},
    )
    assert await ari.external_media("c1", {"external_host": "INCOMING"}) == channel
    query = {"external_host": "INCOMING", "app": "palabre", "channelId": "c1"}
    assert far.last[1:] == (query, None)
    assert await ari.snoop("c1", "s1", spy="in", whisper="none") == channel
    assert far.last[1] == {"app": "palabre", "snoopId": "s1", "spy": "in", "whisper": "none"}
    await ari.ignore("ChannelVarset")
    assert far.last == (
        "PUT applications/palabre/eventFilter", {}, {"disallowed": [{"type": "ChannelVarset"}]},
    )  # fmt: skip


@virtual
async def test_what_is_gone_needs_no_deletion() -> None:
    far = Far()
    far.answers = {
        "DELETE channels/1": [(404, {"message": "Channel not found"}), (500, None)],
        "DELETE bridges/1": [(404, {"message": "Bridge not found"}), (500, None)],
    }
    await far.ari.hang_up("1")
    await far.ari.delete_bridge("1")
    with pytest.raises(AriError):
        await far.ari.hang_up("1")
    with pytest.raises(AriError):
        await far.ari.delete_bridge("1")


@virtual
async def test_one_that_boots_is_waited_for() -> None:
    far = Far()
    starting = (503, {"message": "Asterisk not booted"})
    far.answers = {"GET asterisk/info": [starting, starting, (200, {"system": {"version": "22"}})]}
    assert (await far.ari.booted()).version == "22"
    far.answers = {"GET asterisk/info": [(401, None)]}
    with pytest.raises(AriError) as caught:
        await far.ari.booted()
    assert caught.value.code == "ari.credentials"


@virtual
async def test_one_that_never_boots_is_given_up() -> None:
    far = Far()
    far.answers = {"GET asterisk/info": [(503, {"message": "Asterisk not booted"})] * 1000}
    with pytest.raises(AriError) as caught:
        await far.ari.booted()
    assert caught.value.code == "ari.starting"


@virtual
async def test_events_go_on_in_order_and_nonsense_is_counted() -> None:
    far = Far()
    for text in ('{"type":"A"}', "{", '{"type":"StasisStart"}', '{"type":"B"}'):
        far.ari.received(text)
    far.ari.received('{"type":"RESTResponse","request_id":"99","status_code":200}')  # nobody's
    assert far.events == [Unknown("A", {"type": "A"}), Unknown("B", {"type": "B"})]
    assert far.ari.malformed == 2


@virtual
async def test_who_waits_when_the_connection_is_lost_is_told() -> None:
    far = Far()
    far.silent = True
    asking = asyncio.create_task(far.ari.answer("1"))
    given_up = asyncio.create_task(far.ari.answer("2"))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.wait({given_up})
    lost = AriError("ari.lost", "gone")
    far.ari.lost(lost)
    far.ari.lost(AriError("ari.lost", "gone again"))
    assert await far.ari.over() is lost
    with pytest.raises(AriError, match="gone"):
        await asking
    with pytest.raises(AriError, match="gone"):
        await far.ari.answer("3")
    assert len(far.asked) == 2


@virtual
async def test_a_connection_that_does_not_answer_is_given_up() -> None:
    far = Far()
    far.silent = True
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(AriError) as caught:
        await far.ari.answer("1")
    assert loop.time() - began == pytest.approx(ANSWER_S)
    assert caught.value.code == "ari.timeout"
    assert (await far.ari.over()).code == "ari.timeout"
