"""The bench against a server: an answer over each transport, CPU of a call, and refusals."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bench.errors import ServerError
from bench.speech import speak
from bench.webrtc.run import TRANSPORTS, Cost, measure_cpu, measure_response
from tests.server.served import BRIEF, Served, serving
from tests.server.test_webrtc import needs_network

WORDS = "oui bonjour madame"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    options = ("--capacity", "1", "--scenario", BRIEF)
    with serving(tmp_path_factory.mktemp("bench") / "log", *options) as server:
        yield server


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """What connecting cost may be part of the figure: nobody reads it."""
    monkeypatch.setattr("bench.webrtc.run.SETTLE_S", 0.3)


def test_calls_a_core() -> None:
    assert Cost("WebRTC", 10, 1.6).calls_a_core == 62


@pytest.mark.integration
@pytest.mark.asyncio
@needs_network
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_an_answer_and_what_it_cost(served: Served, transport: str) -> None:
    words = speak(WORDS)
    (response_ms,) = await measure_response(transport, served.port, words, 1)
    assert response_ms > 100
    await served.settles("calls_active", 0.0)
    cost = await measure_cpu(transport, served.port, served.pid, words, 1, 1.0)
    assert 0 < cost.percent < 100
    await served.settles("calls_active", 0.0)


@pytest.mark.integration
@pytest.mark.asyncio
@needs_network
@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_a_refused_call_says_so(served: Served, transport: str) -> None:
    with pytest.raises(ServerError, match="503"):
        await measure_cpu(transport, served.port, served.pid, b"", 2, 0.1)
    await served.settles("calls_active", 0.0)
