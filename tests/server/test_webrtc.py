"""Calls over WebRTC from outside: the HTTP of it, a call's life, and what is left of it."""

from __future__ import annotations

import json
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("aiortc", reason="needs the extra webrtc")

import aioice.ice

from telephony.webrtc.negotiation import MAX_SDP_BYTES
from tests.server.served import BRIEF, Served, exchange, http, serving, speech
from tests.telephony.webrtc.client import RtcClient, calling
from tests.telephony.webrtc.offers import CHROME

needs_network = pytest.mark.skipif(
    not aioice.ice.get_host_addresses(use_ipv4=True, use_ipv6=True),
    reason="no network address but loopback here, which WebRTC does not use",
)
pytestmark = [pytest.mark.integration, pytest.mark.asyncio, needs_network]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    servers = '[{"urls":"turn:turn.example.org","username":"u","credential":"c"}]'
    log = tmp_path_factory.mktemp("webrtc") / "log"
    with serving(log, "--scenario", BRIEF, PALABRE_ICE_SERVERS=servers) as server:
        yield server


async def request(
    served: Served, method: str, path: str, body: str = "", kind: str = "application/sdp"
) -> tuple[int, dict[str, str], str]:
    head = (
        f"{method} {path} HTTP/1.0\r\nHost: x\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    status, headers, answer = http(await exchange(served.port, (head + body).encode()))
    return status, headers, answer.decode()


async def problem(answer: tuple[int, dict[str, str], str]) -> tuple[int, str]:
    """Status and code of a refusal, which says what to do in words, too."""
    status, headers, body = answer
    assert headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = json.loads(body)
    assert told["status"] == status
    assert told["message"] == told["title"] != ""
    return status, told["code"]


@asynccontextmanager
async def call(served: Served, query: str = "") -> AsyncIterator[tuple[RtcClient, str]]:
    """A running call, and its address."""
    async with calling() as client:
        offer = await client.offer()
        status, headers, answer = await request(served, "POST", f"/webrtc?{query}", offer)
        assert (status, headers["content-type"]) == (201, "application/sdp"), answer
        await client.answered(answer)
        await client.expect("start")
        yield client, headers["location"]


async def quiet(served: Served) -> None:
    """Wait until no call runs."""
    await served.settles("calls_active", 0.0)


# HTTP


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server without STUN, TURN or room for a second call."""
    with serving(tmp_path_factory.mktemp("bare") / "log", "--capacity", "1") as server:
        yield server


async def test_the_servers_that_help_are_told_as_a_browser_wants_them(served: Served) -> None:
    status, headers, body = await request(served, "GET", "/webrtc")
    assert status == 200
    assert json.loads(body) == {
        "iceServers": [{"urls": "turn:turn.example.org", "username": "u", "credential": "c"}]
    }
    assert headers["access-control-allow-origin"] == "*"


async def test_there_are_none_unless_set(bare: Served) -> None:
    _, _, body = await request(bare, "GET", "/webrtc")
    assert json.loads(body) == {"iceServers": []}


async def test_a_page_of_another_origin_may_ask(bare: Served) -> None:
    status, headers, _ = await request(bare, "OPTIONS", "/webrtc")
    assert status == 204
    assert headers["access-control-allow-methods"] == "get, post, delete"
    assert headers["accept-post"] == "application/sdp"


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (CHROME, "application/json", 415, "request.content_type"),
        (CHROME, "", 415, "request.content_type"),
        ("v=x", "application/sdp", 400, "offer.malformed"),
        ("", "application/sdp", 400, "offer.audio"),
        (CHROME.replace("opus", "speex"), "application/sdp; charset=utf-8", 400, "offer.codec"),
        ("a" * (MAX_SDP_BYTES + 1), "application/sdp", 413, "offer.too_large"),
    ],
)
async def test_what_is_no_offer_is_refused_with_the_reason(
    bare: Served, body: str, kind: str, status: int, code: str
) -> None:
    assert await problem(await request(bare, "POST", "/webrtc", body, kind)) == (status, code)
    assert await bare.metric("calls_active") == 0


@pytest.mark.parametrize(
    ("query", "code"),
    [("scenario=nobody", "request.scenario"), ("language=xx", "request.language")],
)
async def test_what_the_server_does_not_have_is_refused(
    bare: Served, query: str, code: str
) -> None:
    answer = await request(bare, "POST", f"/webrtc?{query}", CHROME)
    assert await problem(answer) == (400, code)


async def test_there_is_no_trickle_and_no_such_call(bare: Served) -> None:
    patched = await request(bare, "PATCH", "/webrtc/x", "")
    assert await problem(patched) == (405, "request.method")
    assert patched[1]["allow"] == "delete, options"
    assert await problem(await request(bare, "DELETE", "/webrtc/x")) == (404, "call.unknown")


async def test_a_full_server_says_so_and_when_to_come_back(bare: Served) -> None:
    async with call(bare):
        refused = await request(bare, "POST", "/webrtc", CHROME)
        assert await problem(refused) == (503, "admission.full")
        assert refused[1]["retry-after"] == "5"
    await quiet(bare)
    async with call(bare):
        pass


# A call


async def test_a_person_is_greeted_heard_and_answered(served: Served) -> None:
    async with call(served) as (client, _):
        started = await client.expect("start", scenario="brief")
        assert (started["rate_hz"], started["frame_ms"]) == (16000, 20)
        await client.until(lambda: client.loud)
        await client.expect("state", state="listening")
        client.say(speech() + bytes(32000))
        await client.expect("transcript", text="oui bonjour", final=True)
        heard = len(client.loud)
        await client.expect("turn", turn=2)
        await client.until(lambda: len(client.loud) > heard + 10)
    await quiet(served)
    ended = await served.logged("call.ended", call_id=started["session"])
    assert (ended["reason"], ended["code"], ended["faults"], ended["dropped"]) == (
        "caller", None, {}, 0,
    )  # fmt: skip
    assert ended["lost"] == ended["concealed"] == 0


async def test_the_person_hangs_up_by_a_message(served: Served) -> None:
    async with call(served) as (client, location):
        client.send(type="hangup")
        await client.expect("hangup", reason="caller")
        await quiet(served)
        assert (await request(served, "DELETE", location))[0] == 404


async def test_the_person_hangs_up_by_http(served: Served) -> None:
    async with call(served) as (client, location):
        assert (await request(served, "DELETE", location))[0] == 200
        await quiet(served)
        await client.gone()


async def test_a_call_can_be_dropped_before_it_connects(served: Served) -> None:
    await quiet(served)
    _, headers, _ = await request(served, "POST", "/webrtc", CHROME)
    assert await served.metric("calls_active") == 1
    assert (await request(served, "DELETE", headers["location"]))[0] == 200
    await quiet(served)


async def test_a_key_counts_and_nonsense_does_not(served: Served) -> None:
    async with call(served) as (client, _):
        await client.expect("state", state="listening")
        client.send(type="dtmf", digit="5")
        await client.expect("turn", turn=2)
        client.send(type="played", turn=1, ms=3)
        assert (await client.expect("error"))["code"] == "message.unknown"


async def test_a_break_in_pauses_and_clears(served: Served) -> None:
    async with call(served, "scenario=bench") as (client, _):
        await client.until(lambda: len(client.loud) > 20)
        client.say(speech() + bytes(32000))
        await client.expect("state", state="paused")
        cut = await client.expect("turn", turn=1)
        assert cut["interrupted"]
        assert await client.expect("turn", turn=2)


async def test_what_the_network_loses_is_made_up_and_the_person_is_heard(served: Served) -> None:
    async with call(served) as (client, _):
        started = await client.expect("start")
        client.lose(0.1, seed=3)
        await client.expect("state", state="listening")
        client.say(speech() + bytes(32000))
        await client.expect("transcript", text="oui bonjour", final=True)
        await client.expect("turn", turn=2)
    await quiet(served)
    ended = await served.logged("call.ended", call_id=started["session"])
    assert ended["lost"] > 5
    assert 0 < ended["concealed"] <= ended["lost"]
    assert ended["faults"] == {}


async def test_nothing_is_left_of_calls_that_ended(served: Served) -> None:
    async def left() -> tuple[float, int, int]:
        await quiet(served)
        return await served.metric("asyncio_tasks"), served.descriptors(), served.threads()

    async def one() -> None:
        async with call(served) as (client, _):
            await client.until(lambda: client.loud)

    await one()
    before = await left()
    for _ in range(3):
        await one()
    assert await left() == before


# The server's end


async def test_a_server_that_drains_finishes_its_calls_and_takes_no_more(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as server:
        async with call(server) as (client, _):
            server.signal(signal.SIGTERM)
            await server.logged("server.draining", calls=1)
            answer = await request(server, "POST", "/webrtc", CHROME)
            assert await problem(answer) == (503, "admission.full")
            client.send(type="hangup")
            await client.expect("hangup")
            assert await server.ended() == 0


async def test_a_server_that_stops_tells_its_callers(tmp_path: Path) -> None:
    with serving(tmp_path / "log") as server:
        async with call(server) as (client, _):
            server.signal(signal.SIGINT)
            await client.expect("error", code="server.draining", fatal=True)
            assert await server.ended() == 0
        assert "exception" not in server.log


async def test_without_the_extra_the_server_runs_and_says_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "aiortc.py").write_text("raise ImportError('not installed')")
    root = Path(__file__).parents[2]
    with serving(tmp_path / "log", PYTHONPATH=f"{tmp_path}:{root}") as server:
        for answer in (
            await request(server, "GET", "/webrtc"),
            await request(server, "POST", "/webrtc", CHROME),
        ):
            assert await problem(answer) == (501, "webrtc.missing")
            assert "palabre[webrtc]" in answer[2]
