import asyncio
import math
from collections.abc import Callable

import pytest

from bench.accuracy.recognise import lane, recognise
from bench.errors import BenchError
from engine.errors import SpeechError
from engine.frames import Audio, Expected, Frame, SpeechEnded, SpeechStarted, Transcript
from engine.link import Link
from engine.stage import Outlet

pytestmark = pytest.mark.asyncio


class Counts:
    """Hears how many bytes were given, and what was expected."""

    def __init__(self, error: SpeechError | None = None) -> None:
        self.error = error

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        size, expected = 0, ""
        async for frame in inbox:
            match frame:
                case Expected(phrases=phrases):
                    expected = "+".join(phrases)
                case SpeechStarted():
                    size = 0
                case Audio(pcm=pcm):
                    if self.error:
                        raise self.error
                    size += len(pcm)
                    await outbox.put(Transcript(f"{size}", False, frame.at))
                case SpeechEnded(decided_at=decided_at):
                    await outbox.put(Transcript(f"{size}{expected}", True, decided_at))
                    expected = ""


def none() -> float:
    return 0.0


async def test_each_sound_comes_back_in_its_place() -> None:
    sounds = [bytes(size) for size in (6400, 100, 0, 2560, 64000)]
    heard = await recognise([Counts(), Counts()], sounds, backlog_s=none)
    assert [one.text for one in heard] == ["6400", "100", "0", "2560", "64000"]
    assert all(math.isnan(one.first_ms) and math.isnan(one.final_ms) for one in heard)


async def test_what_is_expected_is_said_before() -> None:
    heard = await recognise(
        [Counts()], [bytes(2), bytes(4)], backlog_s=none, expected=[("oui", "non"), ()]
    )
    assert [one.text for one in heard] == ["2oui+non", "4"]


async def test_sound_waits_for_a_recogniser_that_is_behind() -> None:
    behind = [2.0, 2.0, 0.5]

    def backlog() -> float:
        return behind.pop(0) if behind else 0.0

    (heard,) = await recognise([Counts()], [bytes(5120)], backlog_s=backlog)
    assert heard.text == "5120"
    assert behind == []


async def test_at_its_own_pace_times_are_measured() -> None:
    start = asyncio.get_running_loop().time()
    (heard,) = await recognise([Counts()], [bytes(6400)], backlog_s=None, onset_s=0.1)
    assert asyncio.get_running_loop().time() - start >= 0.24  # three chunks, the last a half
    assert heard.text == "6400"
    assert -100 < heard.first_ms < 500
    assert 0 <= heard.final_ms < 500
    assert heard.late_ms >= 0


@pytest.mark.parametrize("backlog_s", [none, None])
async def test_a_recogniser_that_fails_is_not_waited_for(
    backlog_s: Callable[[], float] | None,
) -> None:
    with pytest.raises(BenchError, match="the recogniser failed: broken"):
        await recognise([Counts(SpeechError("broken"))], [bytes(2560)], backlog_s=backlog_s)


async def test_a_recogniser_that_hangs_is_cancelled() -> None:
    class Hangs:
        async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), lane(Hangs()) as one:
            await one.say(bytes(2), backlog_s=none, onset_s=0.0)
