import asyncio

import pytest

from engine.errors import SpeechError
from engine.frames import Audio, Dtmf, Frame, Say
from engine.link import Link
from engine.stage import Outlet
from pipelines.speech.phrases import PATIENCE_S, CachedTTS, PhraseCache
from tests.pipelines.speech.harness import Outbox, serve, sound
from tests.virtual import virtual


class SlowTTS:
    """Speaks a line in three pieces, a second each; remembers what it was asked to say."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.fails = False

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        async for frame in inbox:
            assert isinstance(frame, Say)
            self.said.append(frame.text)
            await outbox.put(frame)
            for at in range(3):
                await asyncio.sleep(1)
                if self.fails and at == 1:
                    raise SpeechError("the voice is gone; reconnect")
                await outbox.put(Audio(frame.text.encode("utf-16-le"), 16000, float(at)))


@virtual
async def test_a_line_is_synthesised_once_for_each_voice() -> None:
    tts, cache = SlowTTS(), PhraseCache()
    first = await serve(CachedTTS(tts, cache, "a"), [Say("oui"), Dtmf("1", 0.0), Say("non")])
    assert [f for f in first if not isinstance(f, Audio)] == [
        Say("oui"),
        Dtmf("1", 0.0),
        Say("non"),
    ]
    began = asyncio.get_running_loop().time()
    again = await serve(CachedTTS(tts, cache, "a"), [Say("oui", question=True), Say("non")])
    assert asyncio.get_running_loop().time() == began
    assert sound(again) == sound(first)
    assert [f for f in again if isinstance(f, Say)] == [Say("oui", question=True), Say("non")]
    assert (cache.hits, cache.misses) == (2, 2)
    await serve(CachedTTS(tts, cache, "b"), [Say("oui")])
    assert tts.said == ["oui", "non", "oui"]


@virtual
async def test_the_first_sound_of_a_new_line_does_not_wait_for_the_last() -> None:
    began = asyncio.get_running_loop().time()
    inbox: Link[Frame] = Link()
    inbox.offer(Say("oui"))
    outbox = Outbox()
    task = asyncio.create_task(CachedTTS(SlowTTS(), PhraseCache(), "a").run(inbox, outbox))
    await outbox.until(2)
    assert asyncio.get_running_loop().time() == began + 1
    inbox.close()
    await task


@virtual
async def test_a_line_that_was_cut_short_is_not_kept() -> None:
    tts, cache = SlowTTS(), PhraseCache()
    task = asyncio.create_task(serve(CachedTTS(tts, cache, "a"), [Say("oui")]))
    await asyncio.sleep(2.5)
    task.cancel()
    await asyncio.wait({task})
    tts.fails = True
    with pytest.raises(SpeechError):
        await serve(CachedTTS(tts, cache, "a"), [Say("oui")])
    assert (len(cache), cache.bytes) == (0, 0)


class StuckTTS(SlowTTS):
    """Says the line, and no more."""

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        async for frame in inbox:
            await outbox.put(frame)
            await asyncio.get_running_loop().create_future()


@virtual
async def test_a_voice_that_gives_nothing_fails_the_line() -> None:
    began = asyncio.get_running_loop().time()
    with pytest.raises(SpeechError, match="no sound for 3 s"):
        await serve(CachedTTS(StuckTTS(), PhraseCache(), "a"), [Say("oui")])
    assert asyncio.get_running_loop().time() == began + PATIENCE_S


@virtual
async def test_a_voice_is_not_blamed_for_who_listens() -> None:
    """Nor for an error of its own that has the same name."""

    class Slow(Outbox):
        async def put(self, frame: Frame) -> None:
            await asyncio.sleep(10)
            await super().put(frame)

    inbox, outbox = Link[Frame](), Slow()
    inbox.offer(Say("oui"))
    inbox.close()
    await CachedTTS(SlowTTS(), PhraseCache(), "a").run(inbox, outbox)
    assert len(outbox.frames) == 4

    class TimedOut(SlowTTS):
        async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        await serve(CachedTTS(TimedOut(), PhraseCache(), "a"), [Say("oui")])


@virtual
async def test_warming_speaks_each_line_once() -> None:
    tts, cache = SlowTTS(), PhraseCache()
    await cache.warm(["oui", "non", "oui", " "], tts, "a")
    await cache.warm(["non"], tts, "a")
    assert tts.said == ["oui", "non"]
    await serve(CachedTTS(tts, cache, "a"), [Say("oui"), Say("non")])
    assert tts.said == ["oui", "non"]


def test_the_least_recently_used_gives_way() -> None:
    cache = PhraseCache(max_bytes=10)
    cache.put("a", "1", b"1234")
    cache.put("a", "2", b"1234")
    assert cache.get("a", "1") == b"1234"
    cache.put("a", "3", b"1234")
    assert cache.get("a", "2") is None
    assert (len(cache), cache.bytes) == (2, 8)
    cache.put("a", "3", b"12")
    assert (len(cache), cache.bytes) == (2, 6)
    cache.put("a", "4", b"12345678901")
    assert cache.get("a", "4") is None
    assert (len(cache), cache.bytes) == (2, 6)
