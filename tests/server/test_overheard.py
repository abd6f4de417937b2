"""Conversations followed over HTTP, by who has the token."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from engine.clock import LoopClock
from engine.log import SessionLog
from engine.store import MemoryStore
from pipelines.listening import Utterance
from server.app import Application
from server.listening import Conversation, Listening
from server.overheard import Overheard
from server.settings import Settings

pytestmark = pytest.mark.asyncio

BEARER = {"authorization": "Bearer of-this-test"}


class Routes:
    """The routes, and a conversation that a test leads."""

    def __init__(self, token: str = "of-this-test") -> None:
        self.listening = Listening(Application(Settings(speech="null")).calls)
        clock = LoopClock()
        self.conversation = Conversation(
            "c1/é", "s1", SessionLog("s1", MemoryStore(), clock, lambda: None), clock, clock.now()
        )
        self.conversation.sides.add("caller")
        self.listening._open["c1/é"] = self.conversation
        app = FastAPI()
        app.include_router(Overheard(self.listening, SecretStr(token) if token else None).router)
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://engine"
        )


@pytest.mark.parametrize("path", ["/listening", "/listening/c1"])
async def test_nobody_is_shown_anything_without_the_token(path: str) -> None:
    async with Routes().client as client:
        assert (await client.get(path)).status_code == 401
        wrong = await client.get(path, headers={"authorization": "Bearer another"})
        assert wrong.status_code == 401
    async with Routes(token="").client as client:
        refused = await client.get(path, headers={"authorization": "Bearer "})
        assert refused.status_code == 403
        assert "PALABRE_LISTEN_TOKEN" in refused.json()["message"]


async def test_those_under_way_are_listed() -> None:
    routes = Routes()
    routes.conversation.said.append(("caller", Utterance("oui", None, 0.0, 1.0)))
    async with routes.client as client:
        (one,) = (await client.get("/listening", headers=BEARER)).json()["conversations"]
    assert (one["name"], one["session"], one["sides"]) == ("c1/é", "s1", ["caller"])
    assert one["account"]["sides"]["caller"]["words"] == 1
    assert "oui" not in json.dumps(one)


async def test_one_is_followed_to_its_end() -> None:
    routes = Routes()
    routes.conversation.note("caller", Utterance("bonjour", 0.9, 0.0, 1.0))

    async def go_on() -> None:
        while not routes.conversation.feeds:  # noqa: ASYNC110 nobody tells of it
            await asyncio.sleep(0)
        routes.conversation.note_interim("caller", "je")
        routes.conversation.close("caller")

    async with routes.client as client, asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(go_on())
        answer = await client.get("/listening/c1/é", headers=BEARER)
    assert answer.headers["content-type"].startswith("text/event-stream")
    blocks = answer.text.strip().split("\n\n")
    entries = [json.loads(block.removeprefix("data: ")) for block in blocks]
    assert [entry.get("text") for entry in entries] == ["bonjour", "je", None]
    assert entries[-1]["reason"] == "caller"
    assert not routes.conversation.feeds
    await routes.conversation.log.close(1.0)


async def test_one_that_is_not_there() -> None:
    async with Routes().client as client:
        answer = await client.get("/listening/nothing", headers=BEARER)
    assert answer.status_code == 404
