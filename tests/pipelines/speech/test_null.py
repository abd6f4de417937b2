from engine.frames import Audio, Dtmf, Frame, Say, SpeechEnded, SpeechStarted, Transcript
from pipelines.speech.null import NullSTT, NullTTS
from tests.pipelines.speech.harness import serve
from tests.virtual import virtual


@virtual
async def test_the_same_words_whatever_is_said() -> None:
    started, ended = SpeechStarted(1.0, 1.1), SpeechEnded(2.0, 2.25)
    sound, key = Audio(bytes(640), 16000, 1.0), Dtmf("1", 1.5)
    out = await serve(NullSTT("oui"), [started, sound, key, ended])
    assert out == [started, key, ended, Transcript("oui", True, 2.25)]


@virtual
async def test_the_same_sound_for_every_line_and_less_of_it_for_a_short_one() -> None:
    pcm = b"\1\0\2\0" * 1600  # 200 ms
    said: list[Frame] = [Say("allô ?"), Dtmf("1", 0.0), Say("oui"), Say("Au revoir.")]
    out = await serve(NullTTS(pcm), said)
    whole, short = Audio(pcm, 16000, 0.0), Audio(pcm[: 3 * 1280], 16000, 0.0)
    assert out == [said[0], whole, said[1], said[2], short, said[3], whole]
