"""Voices of different loudness, brought to one, as they come."""

import numpy as np

from engine.frames import Audio, Frame, Hangup, Say
from engine.link import Link
from engine.stage import Outlet
from pipelines.audio.loudness import TARGET_LUFS, Meter, Voice
from pipelines.speech.espeak import synthesise
from pipelines.speech.levelled import Levelled
from pipelines.speech.null import NullTTS
from tests.pipelines.speech.harness import serve, sound
from tests.virtual import virtual

LINES = (
    "Bonjour, je suis Claire, l'assistante automatique du cabinet Moreau.",
    "Avez-vous un livret A, un PEL ou une assurance-vie ?",
    "C'est noté, un conseiller vous appelle cette semaine.",
)


class Speaker:
    """Speaks with a voice of espeak-ng, `db` louder, in pieces of 60 ms."""

    def __init__(self, name: str, db: float) -> None:
        self._name = name
        self._gain = 10 ** (db / 20)

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        async for frame in inbox:
            await outbox.put(frame)
            if isinstance(frame, Say):
                pcm = np.frombuffer(synthesise(frame.text, self._name), "<i2") * self._gain
                louder = np.clip(pcm, -32768, 32767).astype("<i2").tobytes()
                for at in range(0, len(louder), 1920):
                    await outbox.put(Audio(louder[at : at + 1920], 16000, 0.0))


def lufs(pcm: bytes) -> float:
    meter = Meter()
    meter.feed((np.frombuffer(pcm, "<i2") / 32768).astype(np.float32))
    measured = meter.lufs()
    assert measured is not None
    return measured


@virtual
async def test_every_line_of_every_voice_is_within_a_decibel() -> None:
    loudness = []
    for name, db in [("fr", 0), ("fr+f2", -15), ("fr+m7", 3), ("en+f3", -6), ("fr+m3", -20)]:
        voice = Voice()
        await serve(Levelled(Speaker(name, db), voice), [Say("Bonjour et bienvenue à vous.")])
        for line in LINES:
            out = await serve(Levelled(Speaker(name, db), voice), [Say(line)])
            loudness.append(lufs(sound(out)))
    assert max(abs(value - TARGET_LUFS) for value in loudness) < 1.0


@virtual
async def test_lines_pass_and_sound_is_as_long_as_it_was() -> None:
    frames: list[Frame] = [Say("Oui."), Hangup("done")]
    out = await serve(Levelled(NullTTS(b"\1\1" * 1000), Voice()), frames)
    assert [frame for frame in out if not isinstance(frame, Audio)] == frames
    assert [len(frame.pcm) for frame in out if isinstance(frame, Audio)] == [2000]


class Telephone:
    """A voice at another rate."""

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        async for frame in inbox:
            await outbox.put(frame)
            await outbox.put(Audio(b"\1\1" * 80, 8000, 0.0))


@virtual
async def test_sound_at_other_rates_is_left_alone() -> None:
    out = await serve(Levelled(Telephone(), Voice()), [Say("Oui.")])
    assert sound(out) == b"\1\1" * 80
