"""The synthesiser gets what is said, everyone else what is written."""

from engine.frames import Audio, Frame, Hangup, Say
from engine.link import Link
from engine.stage import Outlet
from pipelines.speech.reading import ReadAloud
from pipelines.speech.spoken import spoken
from tests.pipelines.speech.harness import serve
from tests.virtual import virtual


class Voice:
    """Notes what it is given to speak."""

    def __init__(self) -> None:
        self.spoke: list[str] = []

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        async for frame in inbox:
            assert isinstance(frame, Say)
            self.spoke.append(frame.text)
            await outbox.put(frame)
            await outbox.put(Audio(bytes(640), 16000, 0.0))


@virtual
async def test_the_line_passes_as_written() -> None:
    voice = Voice()
    line = Say("À 14h30 ?", question=True, epoch=3)
    out = await serve(ReadAloud(voice, spoken("fr")), [line, Hangup("done"), Say("Bien.")])
    assert voice.spoke == ["À 14 heures 30 ?", "Bien."]
    assert [frame for frame in out if not isinstance(frame, Audio)] == [
        line,
        Hangup("done"),
        Say("Bien."),
    ]
    assert sum(isinstance(frame, Audio) for frame in out) == 2
