"""The services in trouble, one kind after the other."""

from __future__ import annotations

import asyncio
import random

import pytest

from engine.clock import LoopClock
from engine.errors import SpeechError, StoreError, UnderstandingError
from engine.flow import Question, Understanding
from engine.frames import Audio, Expected, Frame, Say, SpeechEnded, SpeechStarted, Transcript
from engine.link import Link
from engine.store import StoredEvent
from server.sim.heard import Part, Recording, Word
from server.sim.services import Model, RecordedSTT, SimStore, SimTTS, Trouble, Troubles
from server.sim.sounds import lines_sound
from tests.pipelines.speech.harness import Outbox, serve, sound
from tests.virtual import virtual

SAID = Recording(
    (Word("oui", 0, 200, 0.9), Word("bien", 200, 500, 0.7)), ((250.0, "oui"), (600.0, "oui bien"))
)


def troubles(of: str = "", kind: str = "", *, since: float = 0.0, until: float = 1e9) -> Troubles:
    return Troubles(LoopClock(), [Trouble(of, kind, since, until)] if of else [])


def stt(trouble: Troubles) -> RecordedSTT:
    """Hears `SAID` from the beginning of each utterance on."""

    def listen(since: float, until: float) -> list[Part]:
        return [Part(SAID, -100.0, (until - since) * 1000 - 100)]

    return RecordedSTT(listen, trouble, random.Random(1))


async def utter(service: RecordedSTT, seconds: float = 1.0) -> list[Frame]:
    """An utterance in pieces of 100 ms, in real time, and the time to answer."""
    inbox: Link[Frame] = Link()
    outbox = Outbox()
    running = asyncio.create_task(service.run(inbox, outbox))
    now = asyncio.get_running_loop().time
    try:
        inbox.offer(Expected(("oui", "non")))
        inbox.offer(SpeechStarted(now(), now()))
        for _ in range(round(seconds * 10)):
            await asyncio.sleep(0.1)
            inbox.offer(Audio(bytes(3200), 16000, now() - 0.1))
        inbox.offer(SpeechEnded(now(), now()))
        inbox.close()
        await asyncio.wait({running}, timeout=10)
        if running.done():
            running.result()
    finally:
        running.cancel()
        await asyncio.wait({running})
    return outbox.frames


@virtual
async def test_a_slow_recogniser_that_is_ended_leaves_no_timer() -> None:
    inbox: Link[Frame] = Link()
    running = asyncio.create_task(stt(troubles("stt", "slow")).run(inbox, Outbox()))
    loop = asyncio.get_running_loop()
    inbox.offer(SpeechStarted(loop.time(), loop.time()))
    for _ in range(8):  # two interims, each late by half a second and more
        await asyncio.sleep(0.1)
        inbox.offer(Audio(bytes(3200), 16000, loop.time() - 0.1))
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait({running})
    assert not [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]


@virtual
async def test_the_recogniser_says_what_was_recorded() -> None:
    frames = await utter(stt(troubles()))
    said = [(frame.text, frame.final) for frame in frames if isinstance(frame, Transcript)]
    assert said == [("oui", False), ("oui bien", False), ("oui bien", True)]
    final = frames[-1]
    assert isinstance(final, Transcript)
    assert final.confidence == pytest.approx(0.8)


@virtual
async def test_a_slow_recogniser_is_late() -> None:
    began = asyncio.get_running_loop().time()
    frames = await utter(stt(troubles("stt", "slow")))
    assert isinstance(frames[-1], Transcript)
    assert asyncio.get_running_loop().time() > began + 1.5


@virtual
async def test_one_that_hangs_has_no_final() -> None:
    frames = await utter(stt(troubles("stt", "hang")))
    assert not [frame for frame in frames if isinstance(frame, Transcript)]


@pytest.mark.parametrize("kind", ["refuse", "die"])
def test_one_that_fails_raises(kind: str) -> None:
    @virtual
    async def fails() -> None:
        with pytest.raises(SpeechError):
            await utter(stt(troubles("stt", kind)))

    fails()


@virtual
async def test_troubles_have_their_time() -> None:
    now = asyncio.get_running_loop().time()
    trouble = troubles("tts", "hang", since=now + 1, until=now + 2)
    seen = []
    for _ in range(3):
        seen.append(trouble.now("tts"))
        await asyncio.sleep(1)
    assert seen == ["", "hang", ""]
    assert trouble.now("stt") == ""


@virtual
async def test_the_voice_speaks_its_lines_in_its_time() -> None:
    loop = asyncio.get_running_loop()
    for first_s, least_s in ((0.0003, 0.0), (0.15, 0.1)):
        began = loop.time()
        frames = await serve(SimTTS(troubles(), random.Random(1), first_s), [Say("Merci.")])
        assert sound(frames) == lines_sound("Merci.") + bytes(6400)
        assert least_s <= loop.time() - began < 1
    began = loop.time()
    await serve(SimTTS(troubles("tts", "slow"), random.Random(1), 0.0003), [Say("Merci.")])
    assert loop.time() - began > 0.3


@virtual
async def test_a_voice_that_fails() -> None:
    for kind in ("refuse", "die"):
        with pytest.raises(SpeechError):
            await serve(SimTTS(troubles("tts", kind), random.Random(1), 0.1), [Say("Merci.")])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60):
            await serve(SimTTS(troubles("tts", "hang"), random.Random(1), 0.1), [Say("Merci.")])


def mind(trouble: Troubles) -> Model:
    def read(text: str, intents: tuple[str, ...]) -> Understanding:
        return Understanding(text, 1.0, "test")

    return Model(read, trouble, random.Random(1), (1.0, 2.0))


@virtual
async def test_a_mind_answers_late_or_fails() -> None:
    question = Question("q", ("any",))
    for trouble in (troubles(), troubles("mind", "slow")):
        assert (await mind(trouble).understand("oui", question)).intent == "oui"
    for kind in ("refuse", "die"):
        with pytest.raises(UnderstandingError):
            await mind(troubles("mind", kind)).understand("oui", question)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60):
            await mind(troubles("mind", "hang")).understand("oui", question)


@virtual
async def test_a_store_that_is_out_of_reach() -> None:
    event = StoredEvent("it", 0.0)
    assert await SimStore(troubles()).append("s", 0, [event]) == 1
    gone = SimStore(troubles("store", "refuse"))
    with pytest.raises(StoreError):
        await gone.append("s", 0, [event])
    assert gone.sessions() == []
    deaf = SimStore(troubles("store", "die"))
    with pytest.raises(StoreError):
        await deaf.append("s", 0, [event])
    assert await deaf.read("s") == [event]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60):
            await SimStore(troubles("store", "hang")).append("s", 0, [event])
