"""Ollama's wire, spoken literally by a server of the test's own."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

pytest.importorskip("ollama", reason="the extra ollama is not installed")

from engine.clock import SystemClock
from engine.errors import UnderstandingError
from engine.flow import Question, Understanding
from engine.ladder import Ladder, Rung, StepDown
from pipelines.mind.ollama import Ollama, OllamaMind
from tests.pipelines.mind.knowledge import KNOWLEDGE, QUESTION

pytestmark = pytest.mark.integration

ASKED = Question("q1", QUESTION)

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


def response(body: bytes, status: str = "200 OK") -> Answer:
    async def answer(request: bytes, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status}\r\nContent-Type: application/json; charset=utf-8\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()

    return answer


def completion(content: str) -> Answer:
    """As Ollama 0.5 answers with ``stream`` off."""
    return response(
        b'{"model":"llama3.2","created_at":"2025-01-15T09:30:00.123456789Z","message":'
        b'{"role":"assistant","content":' + json.dumps(content).encode() + b'},"done_reason":"stop"'
        b',"done":true,"total_duration":412000000,"load_duration":21000000,"prompt_eval_count":142'
        b',"prompt_eval_duration":90000000,"eval_count":17,"eval_duration":300000000}'
    )


@asynccontextmanager
async def serving(answer: Answer, requests: list[bytes] | None = None) -> AsyncIterator[Ollama]:
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            (length,) = (
                int(line.split(b":")[1])
                for line in head.lower().split(b"\r\n")
                if line.startswith(b"content-length")
            )
            body = await reader.readexactly(length)
            if requests is not None:
                requests.append(head + body)
            await answer(body, writer)
        finally:
            writer.close()
            connections.discard(task)

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    ollama = Ollama(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    try:
        yield ollama
    finally:
        await ollama.close()
        server.close()
        for task in list(connections):
            task.cancel()
        if connections:
            await asyncio.wait(connections)
        await server.wait_closed()


async def understood(answer: Answer, requests: list[bytes] | None = None) -> Understanding:
    async with serving(answer, requests) as ollama:
        return await OllamaMind(ollama, KNOWLEDGE).understand("j'ai un livret a", ASKED)


@pytest.mark.asyncio
async def test_it_asks_for_one_of_the_questions_intents() -> None:
    requests: list[bytes] = []
    answer = completion('{"intent": "holds", "confidence": 0.93}')
    understanding = await understood(answer, requests)
    assert (understanding.intent, understanding.confidence) == ("holds", 0.93)
    assert understanding.slots["savings"] == ["livret_a"]
    assert requests[0].startswith(b"POST /api/chat HTTP/1.1\r\n")
    sent: dict[str, Any] = json.loads(requests[0].split(b"\r\n\r\n", 1)[1])
    assert sent["model"] == "llama3.2"
    assert sent["stream"] is False
    assert sent["keep_alive"] == "30m"
    assert sent["format"]["properties"]["intent"]["enum"] == [*QUESTION, "none"]
    assert sent["messages"][1] == {"role": "user", "content": "j'ai un livret a"}
    assert "- holds: has one" in sent["messages"][0]["content"]


@pytest.mark.asyncio
async def test_none_of_them_is_an_answer() -> None:
    understanding = await understood(completion('{"intent": "none", "confidence": 1}'))
    assert understanding.intent is None


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            response(
                b'{"error":"model \\"llama3.2\\" not found, try pulling it first"}', "404 Not Found"
            ),
            "ollama pull llama3.2",
        ),
        (response(b'{"error":"llama runner process has terminated"}', "500 Oh"), "status 500"),
        (response(b"<html>It works!</html>"), "did not answer in JSON"),
        (response(b"{}"), "did not answer in JSON"),
        (completion("I think it is holds."), "did not answer in JSON"),
        (completion('{"intent": "hol'), "did not answer in JSON"),
        (completion('["holds"]'), "answered no object"),
        (completion('{"intent": "sing", "confidence": 1}'), "not asked for"),
        (completion('{"intent": "holds", "confidence": 93}'), "between 0 and 1"),
        (completion('{"intent": "holds", "confidence": "high"}'), "between 0 and 1"),
        (completion('{"intent": ["holds"], "confidence": 1}'), "not asked for"),
    ],
)
@pytest.mark.asyncio
async def test_what_goes_wrong_says_what_to_do(answer: Answer, says: str) -> None:
    with pytest.raises(UnderstandingError, match=says):
        await understood(answer)


@pytest.mark.asyncio
async def test_a_server_that_hangs_up_is_an_error_and_not_more() -> None:
    async def hang_up(request: bytes, writer: asyncio.StreamWriter) -> None:
        return

    with pytest.raises(UnderstandingError, match="ollama serve"):
        await understood(hang_up)


@pytest.mark.asyncio
async def test_a_server_that_is_not_there() -> None:
    ollama = Ollama("http://127.0.0.1:9")
    with pytest.raises(UnderstandingError, match="start it: ollama serve"):
        await OllamaMind(ollama, KNOWLEDGE).understand("oui", ASKED)
    await ollama.close()


@pytest.mark.asyncio
async def test_one_that_thinks_too_long_is_left_at_the_deadline() -> None:
    async def hang(request: bytes, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(60)

    async def examples(text: str, question: Question) -> Understanding:
        return Understanding("holds", 0.9, "examples")

    async with serving(hang) as ollama:
        clock = SystemClock()
        mind = OllamaMind(ollama, KNOWLEDGE)
        ladder = Ladder([Rung("ollama", mind.understand), Rung("examples", examples)], clock)
        steps: list[StepDown] = []
        understanding = await ladder.climb_down(
            clock.now() + 0.1, "un livret a", ASKED, on_step=steps.append
        )
        assert understanding.source == "examples"
        assert steps == [StepDown("ollama", "late")]
