import asyncio
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from engine.errors import ConfigurationError, SpeechError
from engine.frames import Audio, Dtmf, Frame, Say
from engine.link import Link
from pipelines.speech.espeak import synthesise
from pipelines.speech.lines import pause_ms
from pipelines.speech.piper import Piper, PiperTTS
from tests.pipelines.speech.harness import Outbox, serve, sound
from tests.pipelines.speech.tiny_voice import RATE_HZ, SAMPLES, write_voice

pytest.importorskip("piper", reason="the extra piper is not installed")

pytestmark = pytest.mark.integration

TWO = "Bonjour à tous. Comment allez-vous ?"


@pytest_asyncio.fixture
async def piper(tmp_path: Path) -> AsyncIterator[Piper]:
    piper = Piper(write_voice(tmp_path))
    await piper.load()
    yield piper
    piper.close()


@pytest.mark.asyncio
async def test_a_line_comes_sentence_by_sentence_at_our_rate(piper: Piper) -> None:
    frames = await serve(PiperTTS(piper), [Say(TWO), Dtmf("1", 0.0), Say("Oui.")])
    assert [f for f in frames if not isinstance(f, Audio)] == [
        Say(TWO),
        Dtmf("1", 0.0),
        Say("Oui."),
    ]
    line = [f for f in frames[: frames.index(Dtmf("1", 0.0))] if isinstance(f, Audio)]
    assert len(line) >= 4  # two sentences, what the resampler held, the pause
    at = 0.0
    for frame in line:
        assert frame.rate_hz == 16000
        assert frame.at == pytest.approx(at)
        at += frame.duration_s
    phonemes = (at - pause_ms(TWO) / 1000) * RATE_HZ / SAMPLES
    assert phonemes == pytest.approx(round(phonemes), abs=0.01)
    assert 40 < phonemes < 150


@pytest.mark.asyncio
async def test_espeak_in_the_same_process_is_as_before(piper: Piper) -> None:
    before = len(synthesise("Bonjour."))
    await serve(PiperTTS(piper), [Say(TWO)])
    assert len(synthesise("Bonjour.")) == pytest.approx(before, rel=0.02)


@pytest.mark.asyncio
async def test_cancelling_leaves_the_voice_usable(piper: Piper) -> None:
    inbox: Link[Frame] = Link()
    inbox.offer(Say("Bonjour à tous. " * 200))
    outbox = Outbox()
    task = asyncio.create_task(PiperTTS(piper).run(inbox, outbox))
    await outbox.until(2)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert sound(await serve(PiperTTS(piper), [Say("Oui.")]))


@pytest.mark.asyncio
async def test_what_is_said_is_not_logged(piper: Piper, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await serve(PiperTTS(piper), [Say("Madame Durand.")])
    assert "Durand" not in caplog.text


@pytest.mark.asyncio
async def test_a_voice_that_is_missing_or_broken_says_what_to_run(tmp_path: Path) -> None:
    network = write_voice(tmp_path)
    for broken, message in ((b"not onnx", "is broken"), (None, "is not there")):
        if broken is None:
            network.unlink()
        else:
            network.write_bytes(broken)
        piper = Piper(network)
        with pytest.raises(
            SpeechError, match=f"{message}; run `palabre models fetch --again tiny`"
        ):
            await piper.load()
        with pytest.raises(SpeechError, match="not loaded"):
            await serve(PiperTTS(piper), [Say("Oui.")])
        piper.close()


@pytest.mark.asyncio
async def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "piper", None)
    piper = Piper(write_voice(tmp_path))
    with pytest.raises(ConfigurationError, match=r"pip install 'palabre\[piper\]'"):
        await piper.load()
    piper.close()
