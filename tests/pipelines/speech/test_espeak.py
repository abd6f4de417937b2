import asyncio
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from engine.errors import SpeechError
from engine.frames import Audio, Dtmf, Frame, Say
from engine.link import Link
from pipelines.audio.resample import RATE_HZ
from pipelines.speech.espeak import Espeak, EspeakTTS, EspeakVoice, synthesise
from pipelines.speech.lines import pause_ms
from tests.pipelines.speech.harness import Outbox, serve, sound

LINE = "Bonjour, je vous appelle au sujet de votre épargne."


@pytest.fixture
def espeak() -> Iterator[Espeak]:
    engine = Espeak()
    yield engine
    engine.close()


def test_speech_begins_and_ends_with_sound() -> None:
    samples = np.abs(np.frombuffer(synthesise(LINE), "<i2").astype(int))
    assert 2.0 < len(samples) / RATE_HZ < 5.0
    assert samples.max() > 8000
    assert samples[:32].max() > 0
    assert samples[-320:].max() > 0


def test_voices_differ_and_a_rate_is_kept() -> None:
    assert synthesise(LINE, "fr+m3") != synthesise(LINE, "fr-be+f2")
    slow, fast = (len(synthesise(LINE, rate_wpm=rate)) for rate in (120, 240))
    assert slow > 1.5 * fast
    # A country that espeak-ng does not list is its language; never the last line's language.
    french = len(synthesise(LINE, "fr"))
    english = len(synthesise(LINE, "en-gb"))
    assert len(synthesise(LINE, "fr-fr")) == pytest.approx(french, rel=0.02)
    assert english != pytest.approx(french, rel=0.02)


@pytest.mark.parametrize("text", ["", "   ", " … ", "\0"])
def test_nothing_to_speak_is_no_sound(text: str) -> None:
    assert synthesise(text) == b""


@pytest.mark.parametrize(
    ("voice", "message"), [("tlh-xx", "no voice 'tlh-xx'"), ("fr+nobody", "no variant 'nobody'")]
)
def test_an_unknown_voice_is_refused(voice: str, message: str) -> None:
    with pytest.raises(SpeechError, match=message):
        synthesise(LINE, voice)
    assert synthesise("oui")  # the library is as good as before


def test_a_rate_or_pitch_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="80 to 450"):
        EspeakVoice(rate_wpm=20)
    with pytest.raises(ValueError, match="0 to 99"):
        EspeakVoice(pitch=100)


def test_threads_do_not_mix() -> None:
    alone = {voice: len(synthesise(LINE, voice)) for voice in ("fr", "en-us")}
    got: list[tuple[str, int]] = []

    def speak(voice: str) -> None:
        got.extend((voice, len(synthesise(LINE, voice))) for _ in range(4))

    threads = [threading.Thread(target=speak, args=(voice,)) for voice in alone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 8
    for voice, length in got:
        assert length == pytest.approx(alone[voice], rel=0.02)


@pytest.mark.asyncio
async def test_the_service_puts_the_line_then_its_sound(espeak: Espeak) -> None:
    frames = await serve(EspeakTTS(espeak), [Say("Oui."), Dtmf("1", 0.0), Say(LINE)])
    assert [f for f in frames if not isinstance(f, Audio)] == [
        Say("Oui."),
        Dtmf("1", 0.0),
        Say(LINE),
    ]
    line = frames[frames.index(Say(LINE)) + 1 :]
    at = 0.0
    for frame in line:
        assert isinstance(frame, Audio)
        assert frame.rate_hz == RATE_HZ
        assert frame.at == pytest.approx(at)
        at += frame.duration_s
    assert sound(line).endswith(bytes(pause_ms(LINE) * 32))


@pytest.mark.asyncio
async def test_a_line_without_sound_passes(espeak: Espeak) -> None:
    assert await serve(EspeakTTS(espeak), [Say("…")]) == [Say("…")]


@pytest.mark.asyncio
async def test_cancelling_stops_at_once_and_leaves_the_engine_usable(espeak: Espeak) -> None:
    inbox: Link[Frame] = Link()
    inbox.offer(Say(LINE * 200))
    outbox = Outbox()
    task = asyncio.create_task(EspeakTTS(espeak).run(inbox, outbox))
    await outbox.until(2)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert len(sound(outbox.frames)) < len(synthesise(LINE)) * 100
    assert sound(await serve(EspeakTTS(espeak), [Say("Oui.")]))


@pytest.mark.asyncio
async def test_an_error_reaches_whoever_asked(espeak: Espeak) -> None:
    with pytest.raises(SpeechError, match="no voice"):
        await espeak.synthesise("a", EspeakVoice("zz"))
    assert await espeak.synthesise("a", EspeakVoice("en"))


@pytest.mark.asyncio
async def test_calls_that_speak_at_once_get_their_own_sound(espeak: Espeak) -> None:
    short, long = await asyncio.gather(
        espeak.synthesise("Oui.", EspeakVoice()), espeak.synthesise(LINE, EspeakVoice())
    )
    assert len(long) > 3 * len(short)
