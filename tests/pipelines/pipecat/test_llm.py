"""pipecat's OpenAI service as our language model, on a local server of its wire."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest

from engine.errors import UnderstandingError
from engine.frames import Delta, Frame, Say, Think
from engine.link import Link
from pipelines.pipecat.llm import PipecatLLM
from tests.pipelines.pipecat.hosted import PIPECAT, Metrics, eventually, openai_llm, running
from tests.pipelines.speech.harness import Outbox, serve
from tests.wires.openai import OpenAI

pytestmark = PIPECAT

THINK = Think((("system", "Sois bref."), ("user", "Bonjour")), "Pardon ?")


async def test_a_reply_streams_in_deltas() -> None:
    metrics = Metrics()
    async with OpenAI() as server:
        frames = await serve(
            PipecatLLM(openai_llm(server), on_metrics=metrics), [Say("Un instant."), THINK]
        )
    assert frames == [
        Say("Un instant."),
        Delta("Bonjour. "),
        Delta("Je vous écoute."),
        Delta(""),
    ]
    (request,) = server.requests
    assert request.authorization == "bearer key"
    assert request.body["stream"] is True
    assert request.body["messages"] == [
        {"role": "system", "content": "Sois bref."},
        {"role": "user", "content": "Bonjour"},
    ]
    assert metrics.names() >= {"ttfb_s", "processing_s"}
    assert metrics.total("prompt_tokens") == 12
    assert metrics.total("completion_tokens") == 7


async def test_a_delta_is_out_before_the_reply_is_whole() -> None:
    async with (
        OpenAI(delay_s=0.1) as server,
        running(PipecatLLM(openai_llm(server))) as stage,
    ):
        stage.inbox.offer(THINK)
        await stage.until(Delta)
        assert server.requests[0].pieces == 1
        await stage.until(Delta, 3)


async def test_a_call_keeps_its_connection() -> None:
    async with OpenAI() as server, PipecatLLM(openai_llm(server)) as llm:
        for _ in range(3):
            assert len(await serve(llm, [THINK])) == 3
        assert server.connections == 1


async def test_cancelling_drops_the_request_and_the_next_turn_hears_nothing_of_it() -> None:
    async with (
        OpenAI(["un ", "deux ", "trois "], delay_s=0.05) as server,
        PipecatLLM(openai_llm(server)) as llm,
    ):
        async with running(llm) as stage:
            stage.inbox.offer(THINK)
            await stage.until(Delta)
            began = monotonic()
            await stage.cancel()
            assert monotonic() - began < 0.05
        said = len(stage.outbox.frames)
        server.pieces = ["autre"]
        assert await serve(llm, [THINK]) == [Delta("autre"), Delta("")]
        await eventually(lambda: server.requests[0].gone)
        assert len(stage.outbox.frames) == said


async def test_the_instruction_is_that_of_the_turn_or_the_services_own() -> None:
    own = "Réponds en français."
    async with (
        OpenAI() as server,
        PipecatLLM(openai_llm(server, system_instruction=own)) as llm,
    ):
        plain = Think((("user", "Bonjour"),), "Pardon ?")
        for think in (plain, THINK, plain):
            await serve(llm, [think])
    assert [request.body["messages"][0]["content"] for request in server.requests] == [
        own,
        "Sois bref.",
        own,
    ]


async def test_a_model_that_hangs_can_be_left() -> None:
    async with OpenAI(hang=True) as server, PipecatLLM(openai_llm(server)) as llm:
        async with running(llm) as stage:
            stage.inbox.offer(THINK)
            await eventually(lambda: len(server.requests) == 1)
            await stage.cancel()
        server.hang = False
        assert len(await serve(llm, [THINK])) == 3


async def test_a_refused_key_is_an_error_and_the_next_turn_tries_again() -> None:
    async with OpenAI(refuse=401) as server, PipecatLLM(openai_llm(server)) as llm:
        with pytest.raises(UnderstandingError, match=r"OpenAILLMService failed.*401"):
            await serve(llm, [THINK])
        server.refuse = None
        assert len(await serve(llm, [THINK])) == 3


async def test_a_reply_that_breaks_off_is_an_error_after_what_was_written() -> None:
    async with OpenAI(["un ", "deux "], die_after=1, delay_s=0.05) as server:
        inbox: Link[Frame] = Link()
        inbox.offer(THINK)
        outbox = Outbox()
        with pytest.raises(UnderstandingError):
            await PipecatLLM(openai_llm(server)).run(inbox, outbox)
    assert outbox.frames == [Delta("un ")]


async def test_a_slow_reader_slows_the_service() -> None:
    class Slow(Outbox):
        async def put(self, frame: Frame) -> None:
            await asyncio.sleep(0.001)
            await super().put(frame)

    async with OpenAI([f"{n} " for n in range(200)]) as server:
        inbox: Link[Frame] = Link()
        inbox.offer(THINK)
        inbox.close()
        outbox = Slow()
        await PipecatLLM(openai_llm(server)).run(inbox, outbox)
    assert len(outbox.frames) == 201
