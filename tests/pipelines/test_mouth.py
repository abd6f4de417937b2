"""The mouth of a call: every mouth's contract, and what is its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from engine.budget import Mark
from engine.channel import Capabilities
from engine.clock import LoopClock
from engine.errors import SpeechError
from engine.frames import Cleared, Frame, Played, Say
from engine.link import Link
from engine.mouth import Mouth
from engine.stage import Outlet, Service
from engine.turn import Turn
from pipelines.audio.ticker import Ticker
from pipelines.mouth import VoiceMouth
from tests.engine.conformance import mouth as conformance
from tests.fakes import FakeAudioChannel
from tests.pipelines.callers import ToneTTS
from tests.virtual import virtual

PLAIN = Capabilities(rate_hz=16000)


@asynccontextmanager
async def speaking(
    capabilities: Capabilities | None = None, tts: Callable[[], Service] = ToneTTS
) -> AsyncIterator[tuple[VoiceMouth, FakeAudioChannel]]:
    """A mouth on a channel, ticked."""
    clock = LoopClock()
    channel = FakeAudioChannel(capabilities)
    ticker = Ticker(clock)
    mouth = VoiceMouth(channel, lambda: (tts(),), clock, ticker)

    def receive(frame: Frame) -> None:
        if isinstance(frame, Played | Cleared):
            mouth.acknowledge(frame)

    channel.attach(receive)
    try:
        yield mouth, channel
    finally:
        assert len(ticker) == 0
        channel.close("done")


@pytest.mark.parametrize("capabilities", [None, PLAIN], ids=["marks", "paced"])
@pytest.mark.parametrize("case", conformance.CASES, ids=lambda case: case.__name__)
@virtual
async def test_it_conforms(
    case: Callable[[Mouth], Awaitable[None]], capabilities: Capabilities | None
) -> None:
    async with speaking(capabilities) as (mouth, _):
        await case(mouth)


@virtual
async def test_the_line_that_sounds_is_known_to_be_a_question() -> None:
    async with speaking() as (mouth, _):

        async def reply() -> AsyncIterator[Say]:
            yield Say("Dix caract.")
            yield Say("Oui ou non ?", question=True)

        task = asyncio.create_task(mouth.speak(Turn(1), reply()))
        await asyncio.sleep(0.4)
        assert mouth.epoch == 1
        assert not mouth.in_question(LoopClock().now())
        await asyncio.sleep(0.6)
        assert mouth.in_question(LoopClock().now())
        await task
        assert mouth.epoch is None


class _Mute:
    """A voice without a sound, or one that breaks."""

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        async for frame in inbox:
            if self._error is not None:
                raise self._error
            await outbox.put(frame)


@virtual
async def test_a_line_without_sound_ends_the_turn_unsaid() -> None:
    async with speaking(tts=_Mute) as (mouth, channel):
        turn = Turn(1)
        await conformance.speak(mouth, turn, "…")
        assert turn.said == ""
        assert Mark.FIRST_AUDIO not in turn.marks
        assert channel.played == b""


@virtual
async def test_a_voice_that_breaks_is_raised_as_it_is() -> None:
    async with speaking(tts=lambda: _Mute(SpeechError("no voice"))) as (mouth, _):
        with pytest.raises(SpeechError, match="no voice"):
            await conformance.speak(mouth, Turn(1), "Bonjour.")


@virtual
async def test_a_far_end_that_claims_too_much_is_not_believed() -> None:
    async with speaking() as (mouth, channel):
        turn = Turn(1)
        await conformance.interrupt(mouth, turn, until=Mark.FIRST_PLAYED)
        channel.deliver(Cleared(1, 1e9, 0.0))
        channel.deliver(Cleared(7, 1e9, 0.0))
        channel.deliver(Played("7.1", 0.0))
        channel.deliver(Played("nonsense", 0.0))
        mouth.reached(turn)
        assert len(turn.said) <= len(" ".join(turn.lines))


@virtual
async def test_where_the_far_end_was_held_is_believed_before_it_answers_the_clear() -> None:
    async with speaking() as (mouth, channel):
        turn = Turn(1)
        task = asyncio.create_task(conformance.speak(mouth, turn, "un deux trois quatre"))
        await asyncio.sleep(0.8)
        channel.deliver(Cleared(1, 100.0, 0.0))  # an answer to nothing
        mouth.hold()
        await asyncio.sleep(0.1)
        mouth.release()
        await asyncio.sleep(0.1)
        mouth.hold()
        channel.deliver(Cleared(1, 350.0, 0.0))  # the network had taken the rest
        mouth.clear(1)
        mouth.reached(turn)
        assert turn.said == "un"
        task.cancel()
        await asyncio.wait({task})


@virtual
async def test_lines_wait_until_they_are_needed() -> None:
    """A long text is not synthesised all at once: it may be interrupted."""
    async with speaking() as (mouth, _):
        turn = Turn(1)
        task = asyncio.create_task(conformance.speak(mouth, turn, *["x" * 100] * 8))
        await asyncio.sleep(2.5)
        assert len(turn.lines) <= 5  # 6 s each: 10 s ahead, and two on their way
        task.cancel()
        await asyncio.wait({task})
