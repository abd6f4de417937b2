"""pipecat's Deepgram (WebSocket) and OpenAI (HTTP) services as our voice, on local servers."""

from __future__ import annotations

from time import monotonic

import numpy as np
import pytest

from engine.errors import SpeechError
from engine.frames import Audio, Delta, Frame, Say
from engine.link import Closed, Link
from pipelines.pipecat import tts as module
from pipelines.pipecat.tts import PipecatTTS
from tests.pipelines.pipecat.hosted import (
    PIPECAT,
    Metrics,
    deepgram_tts,
    eventually,
    openai_tts,
    running,
)
from tests.pipelines.speech.harness import Outbox, serve, sound
from tests.wires.deepgram import Deepgram, tone
from tests.wires.openai import OpenAI

pytestmark = PIPECAT

BONJOUR, MERCI = "Bonjour, comment allez-vous ?", "Merci beaucoup."


async def test_each_line_is_followed_by_its_sound() -> None:
    metrics = Metrics()
    async with Deepgram() as server:
        frames = await serve(
            PipecatTTS(deepgram_tts(server), on_metrics=metrics),
            [Delta("x"), Say(BONJOUR), Say(MERCI, question=True)],
        )
    lines = [frame for frame in frames if not isinstance(frame, Audio)]
    assert lines == [Delta("x"), Say(BONJOUR), Say(MERCI, question=True)]
    second = frames.index(lines[2])
    assert sound(frames[:second]) == tone(BONJOUR, 16000)
    assert sound(frames[second:]) == tone(MERCI, 16000)
    starts = [frame.at for frame in frames[:second] if isinstance(frame, Audio)]
    assert starts == pytest.approx([0.1 * n for n in range(len(starts))])
    assert server.connections[0].types() == ["Speak", "Flush", "Speak", "Flush", "Close"]
    assert "ttfb_s" in metrics.names()


async def test_sound_streams_before_the_line_is_whole() -> None:
    async with (
        Deepgram(delay_s=0.05) as server,
        running(PipecatTTS(deepgram_tts(server))) as stage,
    ):
        stage.inbox.offer(Say(BONJOUR))
        await stage.until(Audio)
        assert len(sound(stage.outbox.frames)) < len(tone(BONJOUR, 16000))
        await stage.finish()
    assert sound(stage.outbox.frames) == tone(BONJOUR, 16000)


async def test_a_call_keeps_its_connection() -> None:
    async with Deepgram() as server, PipecatTTS(deepgram_tts(server)) as tts:
        for text in (BONJOUR, MERCI):
            assert sound(await serve(tts, [Say(text)])) == tone(text, 16000)
        assert len(server.connections) == 1
    await eventually(lambda: server.connections[0].closed)


async def test_an_interrupted_line_is_never_heard_in_the_next_turn() -> None:
    async with Deepgram(delay_s=0.03) as server, PipecatTTS(deepgram_tts(server)) as tts:
        async with running(tts) as stage:
            stage.inbox.offer(Say(BONJOUR))
            await stage.until(Audio, 2)
            began = monotonic()
            await stage.cancel()
            assert monotonic() - began < 0.05
        said = len(stage.outbox.frames)
        assert sound(await serve(tts, [Say(MERCI)])) == tone(MERCI, 16000)
        assert len(stage.outbox.frames) == said
        assert server.connections[0].types()[:3] == ["Speak", "Flush", "Clear"]


async def test_sound_still_under_way_is_nobodys() -> None:
    async with (
        Deepgram(delay_s=0.02, deaf=True) as server,
        PipecatTTS(deepgram_tts(server)) as tts,
    ):
        async with running(tts) as stage:
            stage.inbox.offer(Say(BONJOUR))
            await stage.until(Audio)
            await stage.cancel()
        assert sound(await serve(tts, [Say(MERCI)])) == tone(MERCI, 16000)


async def test_an_interruption_between_lines_keeps_the_connection() -> None:
    async with Deepgram() as server, PipecatTTS(deepgram_tts(server)) as tts:
        async with running(tts) as stage:
            stage.inbox.offer(Say(BONJOUR))
            stage.inbox.offer(Delta("what passes on when the line is over"))
            await stage.until(Delta)
            assert sound(stage.outbox.frames) == tone(BONJOUR, 16000)
            await stage.cancel()
        assert sound(await serve(tts, [Say(MERCI)])) == tone(MERCI, 16000)
        assert len(server.connections) == 1


async def test_other_rates_are_resampled() -> None:
    pcm = (9000 * np.sin(2 * np.pi * 440 * np.arange(24000) / 24000)).astype("<i2").tobytes()
    async with OpenAI(speech=pcm) as server:
        metrics = Metrics()
        frames = await serve(PipecatTTS(openai_tts(server), on_metrics=metrics), [Say(BONJOUR)])
    heard = np.frombuffer(sound(frames), "<i2")
    assert len(heard) == pytest.approx(16000, abs=2)
    assert np.argmax(np.abs(np.fft.rfft(heard))) == 440
    assert server.requests[0].body["response_format"] == "pcm"
    assert metrics.total("characters") == len(BONJOUR)


async def test_an_http_request_is_dropped_when_interrupted() -> None:
    async with OpenAI(delay_s=0.05) as server, PipecatTTS(openai_tts(server)) as tts:
        async with running(tts) as stage:
            stage.inbox.offer(Say(BONJOUR))
            await stage.until(Audio)
            await stage.cancel()
        await eventually(lambda: server.requests[0].gone)
        server.delay_s = 0.0
        assert len(sound(await serve(tts, [Say(MERCI)]))) == pytest.approx(32000, abs=4)


async def test_nobody_listens_any_more() -> None:
    class Gone(Outbox):
        async def put(self, frame: Frame) -> None:
            if isinstance(frame, Audio):
                raise Closed

    inbox: Link[Frame] = Link()
    inbox.offer(Say(BONJOUR))
    async with Deepgram() as server, PipecatTTS(deepgram_tts(server)) as tts:
        with pytest.raises(Closed):
            await tts.run(inbox, Gone())
        assert sound(await serve(tts, [Say(MERCI)])) == tone(MERCI, 16000)


async def test_a_connection_that_dies_fails_the_line_and_is_replaced() -> None:
    async with Deepgram(die_after=2) as server, PipecatTTS(deepgram_tts(server)) as tts:
        async with running(tts) as stage:
            stage.inbox.offer(Say(BONJOUR))
            with pytest.raises(SpeechError, match="DeepgramTTSService failed"):
                await stage.until(Audio, 99)
        server.die_after = None
        assert sound(await serve(tts, [Say(MERCI)])) == tone(MERCI, 16000)


async def test_a_voice_that_hangs_fails_the_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.2)
    async with Deepgram(hang=True) as server, PipecatTTS(deepgram_tts(server)) as tts:
        with pytest.raises(SpeechError, match="no sound came"):
            await serve(tts, [Say(BONJOUR)])
        server.hang = False
        assert sound(await serve(tts, [Say(MERCI)])) == tone(MERCI, 16000)


async def test_a_refused_key_is_an_error() -> None:
    async with Deepgram(refuse=401) as server, PipecatTTS(deepgram_tts(server)) as tts:
        with pytest.raises(SpeechError, match="DeepgramTTSService failed"):
            await serve(tts, [Say(BONJOUR)])
