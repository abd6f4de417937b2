"""What the server shows of itself over HTTP and in its log, and what short calls leave behind."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server.served import PATIENCE_S, Served, calling, serving

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("http") / "log") as running:
        yield running


async def test_every_part_has_a_health_of_its_own(served: Served) -> None:
    status, _, body = await served.get("/health")
    assert status == 200
    health = json.loads(body)
    assert health["status"] == "ok"
    assert health["parts"] == dict.fromkeys(["loop", "store", "understanding", "vad"], "ok")
    for part in health["parts"]:
        status, _, body = await served.get(f"/health/{part}")
        assert (status, json.loads(body)) == (200, {"status": "ok"})
    status, _, body = await served.get("/health/kidney")
    assert (status, json.loads(body)["status"]) == (404, "unknown")


async def test_an_ollama_that_is_not_there_is_said(tmp_path: Path) -> None:
    pytest.importorskip("ollama")
    settings = {"PALABRE_MIND": "ollama", "PALABRE_OLLAMA_URL": "http://127.0.0.1:9"}
    with serving(tmp_path / "log", **settings) as alone:
        status, _, body = await alone.get("/health/ollama")
        assert status == 503
        assert "ollama serve" in json.loads(body)["problem"]
        status, _, body = await alone.get("/health")
        assert (status, json.loads(body)["status"]) == (503, "broken")


async def test_metrics_are_prometheus_text(served: Served) -> None:
    status, headers, body = await served.get("/metrics")
    assert status == 200
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name for family in text_string_to_metric_families(body.decode())}
    assert {"calls_active", "loop_lag_seconds", "stt_backlog_seconds"} <= families
    assert {"stt_lag_seconds", "stt_interims_skipped", "stt_dropped_seconds"} <= families


async def test_the_page_and_what_it_needs(served: Served) -> None:
    status, headers, body = await served.get("/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"<title>" in body
    status, _, _ = await served.get("/static/index.html")
    assert status == 200
    status, _, _ = await served.get("/static/")
    assert status == 404


async def test_a_turn_is_logged_without_its_words(served: Served) -> None:
    async with calling(served) as client:
        start = await client.expect("start")
        await client.say()
        await client.expect("transcript", text="oui bonjour")
        await client.until(lambda: client.count("reply") >= 2)
        await client.socket.send('{"type":"hangup"}')
        turn = await client.expect("turn", turn=2)
    await served.logged("call.ended", call_id=start["session"])
    record = await served.logged("turn", call_id=start["session"], turn=2)
    fields = {"call_id", "timestamp", "event", "intent", "confidence", "latency_ms"}
    assert record["latency_ms"] == turn["gap_ms"]
    for record in served.records():
        if record.get("call_id"):
            assert fields <= record.keys()
    said = [message["text"] for message in client.messages if "text" in message]
    assert len(said) >= 3
    assert not [text for text in said if text in served.log]


async def test_many_short_calls_leave_nothing_behind(served: Served) -> None:
    async def short() -> None:
        async with calling(served) as client:
            await client.until(lambda: bool(client.arrivals))
            await client.socket.send('{"type":"hangup"}')
            await client.ended()

    async def many(count: int) -> None:
        for _ in range(count // 20):
            await asyncio.wait_for(asyncio.gather(*(short() for _ in range(20))), PATIENCE_S)
        await served.settles("calls_active", 0)
        await served.settles("websocket_connections", 0)

    await many(60)
    rss_bytes, tasks, descriptors = (
        served.rss_bytes(), await served.metric("asyncio_tasks"), served.descriptors()
    )  # fmt: skip
    await many(300)
    assert await served.metric("asyncio_tasks") == tasks
    assert served.descriptors() <= descriptors
    assert served.rss_bytes() - rss_bytes < 10_000_000
