"""pipecat's Deepgram service as our recogniser, on a local server of its wire."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

import pytest

from engine.clock import SystemClock
from engine.errors import SpeechError
from engine.frames import Dtmf, SpeechEnded, SpeechStarted, Transcript
from pipelines.pipecat.stt import PipecatSTT
from tests.pipelines.pipecat.hosted import (
    PIPECAT,
    Metrics,
    deepgram_stt,
    eventually,
    hang,
    running,
    scripted,
    utterance,
)
from tests.pipelines.speech.harness import serve
from tests.wires.deepgram import Deepgram

pytestmark = PIPECAT


async def test_transcripts_grow_and_one_is_final() -> None:
    metrics = Metrics()
    async with Deepgram(["oui bien sûr", "non"]) as server:
        stt = PipecatSTT(deepgram_stt(server), SystemClock(), on_metrics=metrics)
        async with running(stt) as stage:
            for frame in utterance()[:-1]:
                stage.inbox.offer(frame)
            await stage.until(Transcript, 3)
            stage.inbox.offer(Dtmf("5", 2.1))
            stage.inbox.offer(SpeechEnded(2.2, 2.45))
            await stage.until(Transcript, 4)
            for frame in utterance(at=5.0, seconds=0.16):
                stage.inbox.offer(frame)
            await stage.until(Transcript, 5)
            await stage.finish()
    assert [(t.text, t.final) for t in stage.of(Transcript)] == [
        ("oui", False),
        ("oui bien", False),
        ("oui bien sûr", False),
        ("oui bien sûr", True),
        ("non", True),
    ]
    kinds = [type(frame) for frame in stage.outbox.frames if not isinstance(frame, Transcript)]
    assert kinds == [SpeechStarted, Dtmf, SpeechEnded, SpeechStarted, SpeechEnded]
    (client,) = server.connections  # one for both utterances
    assert client.authorization == "Token key"
    assert ("sample_rate", "16000") in client.query
    assert client.heard_bytes == 2560 * 17
    assert client.types() == ["Finalize", "Finalize", "CloseStream"]
    assert client.closed
    assert metrics.names() == {"ttfb_s", "audio_s"}
    assert metrics.total("audio_s") == pytest.approx(17 * 0.08)


async def test_words_that_came_before_the_end_wait_for_nothing() -> None:
    async with (
        Deepgram(["oui bien sûr"], endpointing=True) as server,
        running(PipecatSTT(deepgram_stt(server), SystemClock())) as stage,
    ):
        for frame in utterance()[:-1]:
            stage.inbox.offer(frame)
        await stage.until(Transcript, 3)
        began = monotonic()
        stage.inbox.offer(utterance()[-1])
        await stage.until(Transcript, 4)
        assert monotonic() - began < 0.25
    assert stage.of(Transcript)[-1].text == "oui bien sûr"


async def test_speech_without_words_is_an_empty_transcript() -> None:
    async with (
        Deepgram([""]) as server,
        running(PipecatSTT(deepgram_stt(server), SystemClock())) as stage,
    ):
        for frame in utterance():
            stage.inbox.offer(frame)
        (transcript,) = await stage.until(Transcript)
    assert (transcript.text, transcript.final) == ("", True)


async def test_an_unanswered_utterance_ends_with_what_is_known() -> None:
    async with Deepgram(["oui bien sûr"]) as server:
        stt = PipecatSTT(deepgram_stt(server), SystemClock(), patience_s=0.1)
        async with running(stt) as stage:
            for frame in utterance()[:-1]:
                stage.inbox.offer(frame)
            await stage.until(Transcript, 3)
            server.hang = True
            stage.inbox.offer(utterance()[-1])
            assert (await stage.until(Transcript, 4))[-1].final
            server.hang = False
            for frame in utterance(at=9.0):
                stage.inbox.offer(frame)
            await eventually(
                lambda: stage.of(Transcript)[-1].final and len(server.connections) == 2
            )
    assert stage.of(Transcript)[3].text == "oui bien sûr"


async def test_a_connection_that_dies_in_an_utterance_fails_it() -> None:
    async with (
        Deepgram(["oui bien sûr"], die_after=2) as server,
        running(PipecatSTT(deepgram_stt(server), SystemClock())) as stage,
    ):
        for frame in utterance()[:-1]:
            stage.inbox.offer(frame)
        with pytest.raises(SpeechError, match="the service DeepgramSTTService failed"):
            await stage.until(Transcript, 3)


async def test_a_connection_that_dies_in_silence_is_replaced() -> None:
    async with (
        Deepgram(["oui", "non"], die_after=1) as server,
        running(PipecatSTT(deepgram_stt(server), SystemClock())) as stage,
    ):
        for frame in utterance(seconds=0.16):
            stage.inbox.offer(frame)
        await stage.until(Transcript)
        await eventually(lambda: server.connections[0].closed)
        await asyncio.sleep(0.05)  # the client notices
        server.die_after = None
        for frame in utterance(at=9.0, seconds=0.16):
            stage.inbox.offer(frame)
        transcripts = await stage.until(Transcript, 2)
    assert [(t.text, t.final) for t in transcripts] == [("oui", True), ("non", True)]


async def test_a_refused_key_is_an_error_that_says_so() -> None:
    async with (
        Deepgram(["oui"], refuse=401) as server,
        running(PipecatSTT(deepgram_stt(server), SystemClock())) as stage,
    ):
        with pytest.raises(SpeechError, match=r"401.*check its key"):
            await stage.until(Transcript)


async def test_one_that_marks_no_last_transcript_has_said_all_when_it_falls_silent() -> None:
    from pipecat.frames.frames import TranscriptionFrame

    async def answer(service: Any, frame: Any) -> None:
        await service.push_frame(TranscriptionFrame("oui", "", ""))
        await asyncio.sleep(0.02)
        await service.push_frame(TranscriptionFrame(" bien sûr ", "", ""))

    stt = PipecatSTT(
        lambda: scripted(VADUserStoppedSpeakingFrame=answer), SystemClock(), settle_s=0.1
    )
    frames = await serve(stt, utterance())
    assert [(f.text, f.final) for f in frames if isinstance(f, Transcript)] == [
        ("oui bien sûr", True)
    ]


async def test_one_that_takes_no_sound_is_a_failure() -> None:
    stt = PipecatSTT(lambda: scripted(InputAudioRawFrame=hang), SystemClock())
    with pytest.raises(SpeechError, match="takes no more sound"):
        await serve(stt, utterance(seconds=8.0))


async def test_cancelling_disconnects_at_once() -> None:
    async with Deepgram(["oui bien sûr"], delay_s=10.0) as server:
        async with running(PipecatSTT(deepgram_stt(server), SystemClock())) as stage:
            for frame in utterance():
                stage.inbox.offer(frame)
            await stage.until(SpeechEnded)
            began = monotonic()
            await stage.cancel()
            assert monotonic() - began < 1.5
        assert not [t for t in stage.of(Transcript) if t.final]
