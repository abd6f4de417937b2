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
from engine.frames import Audio, Cleared, Frame, Played, Say
from engine.ladder import StepDown
from engine.link import Link
from engine.mouth import Mouth
from engine.stage import Outlet, Service
from engine.turn import Turn
from pipelines.audio.comfort import noise
from pipelines.audio.ticker import Ticker
from pipelines.mouth import VoiceMouth
from pipelines.speech.fillers import Fillers
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
        mouth.hold()
        await asyncio.sleep(0.1)
        mouth.release()
        await asyncio.sleep(0.1)
        mouth.hold()
        await asyncio.sleep(0)
        channel.deliver(Cleared(1, 350.0, 0.0))  # the network had taken the rest
        mouth.clear(1)
        mouth.reached(turn)
        assert turn.said == "un"
        task.cancel()
        await asyncio.wait({task})


@virtual
async def test_a_turn_stopped_before_its_first_mark_came_back_was_played_when_it_was() -> None:
    for answers in (True, False):
        async with speaking() as (mouth, channel):
            channel.attach(lambda frame: None)  # its answers are late
            turn, now = Turn(1), LoopClock().now
            task = asyncio.create_task(conformance.speak(mouth, turn, "un deux trois quatre"))
            await asyncio.sleep(0.5)
            mouth.clear(1)
            if answers:
                mouth.acknowledge(Played("1.0", now()))
                mouth.acknowledge(Cleared(1, 350.0, now()))
            stopped_at = now()
            await asyncio.sleep(3)
            mouth.reached(turn)
            played_at = turn.marks[Mark.FIRST_PLAYED]
            assert played_at == (stopped_at if answers else turn.marks[Mark.FIRST_AUDIO])
            task.cancel()
            await asyncio.wait({task})


@virtual
async def test_an_answer_to_an_earlier_hold_is_no_position() -> None:
    async with speaking() as (mouth, channel):
        channel.attach(lambda frame: None)  # its answers are late
        turn = Turn(1)
        task = asyncio.create_task(conformance.speak(mouth, turn, "un deux trois quatre"))
        await asyncio.sleep(0.2)
        mouth.hold()
        mouth.release()
        await asyncio.sleep(0.7)
        mouth.hold()
        mouth.acknowledge(Cleared(1, 150.0, 0.0))
        mouth.clear(1)
        mouth.reached(turn)
        assert turn.said == "un deux"
        task.cancel()
        await asyncio.wait({task})


@virtual
async def test_the_words_of_a_line_that_is_still_synthesised_are_counted_by_its_whole() -> None:
    class Half:
        """Speaks the first half second of its line, and thinks about the rest."""

        async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
            async for frame in inbox:
                await outbox.put(frame)
                await outbox.put(Audio(bytes(16000), 16000, 0.0))
                await asyncio.sleep(10)

    async with speaking(tts=Half) as (mouth, _):
        turn = Turn(1)
        line = "un deux trois quatre cinq six sept huit neuf dix"
        task = asyncio.create_task(conformance.speak(mouth, turn, line))
        await asyncio.sleep(1)
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


# While the answer is late


class _Slow:
    """A voice that thinks for `first_s` before its first sound, and speaks 60 ms a character."""

    def __init__(self, first_s: float) -> None:
        self._first_s = first_s

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        async for frame in inbox:
            await outbox.put(frame)
            if isinstance(frame, Say):
                await asyncio.sleep(self._first_s)
                for _ in range(len(frame.text)):
                    await outbox.put(Audio(b"\x02\x00" * 960, 16000, 0.0))


FILLERS = ("Alors…", "Voyons…")
FILLER_S = 0.4
FILLER = b"\x01\x00" * round(16000 * FILLER_S)


def _asked(heard: str = "oui") -> Turn:
    """A turn whose last sound was now, and which is understood already."""
    turn = Turn(1, heard=heard)
    for mark in (Mark.SPEECH_END, Mark.ENDPOINT, Mark.TRANSCRIPT, Mark.INTENT):
        turn.mark(mark, LoopClock().now())
    return turn


@asynccontextmanager
async def bridging(
    first_s: float, capabilities: Capabilities | None = None
) -> AsyncIterator[tuple[VoiceMouth, FakeAudioChannel]]:
    async with speaking(capabilities, lambda: _Slow(first_s)) as (mouth, channel):
        mouth.start(Fillers({"any": FILLERS}, lambda line: FILLER, "fr", "s1"))
        yield mouth, channel


@pytest.mark.parametrize("capabilities", [None, PLAIN], ids=["marks", "paced"])
@virtual
async def test_a_filler_bridges_a_late_answer_which_follows_without_a_gap(
    capabilities: Capabilities | None,
) -> None:
    async with bridging(1.0, capabilities) as (mouth, channel):
        turn = _asked()
        began = LoopClock().now()
        await conformance.speak(mouth, turn, "Dix caract.", "Suite.")
        filler = turn.lines[0]
        assert filler in FILLERS
        assert turn.said == f"{filler} Dix caract. Suite."
        assert turn.lines == [filler, "Dix caract.", "Suite."]
        assert turn.steps_down == [StepDown("answer", "late")]
        assert turn.marks[Mark.FIRST_AUDIO] - began == pytest.approx(0.75)
        assert channel.played[: len(FILLER)] == FILLER
        assert not channel.played[len(FILLER) : len(FILLER) + 32000].startswith(b"\0")
        assert not turn.bridging


@virtual
async def test_no_filler_where_the_answer_is_in_time() -> None:
    async with bridging(0.3) as (mouth, channel):
        turn = _asked()
        await conformance.speak(mouth, turn, "Oui.")
        assert (turn.said, turn.steps_down) == ("Oui.", [])
        assert FILLER[:640] not in channel.played


@virtual
async def test_no_filler_while_the_user_speaks() -> None:
    async with bridging(1.2) as (mouth, _):
        turn = _asked()
        mouth.hold()
        task = asyncio.create_task(conformance.speak(mouth, turn, "Oui."))
        await asyncio.sleep(1.0)
        assert not turn.lines[1:]
        assert not turn.steps_down
        mouth.release()
        await asyncio.sleep(0.1)
        assert len(turn.steps_down) == 1
        await task
        assert turn.said.endswith("Oui.")


@virtual
async def test_a_second_filler_is_another_and_there_is_no_third() -> None:
    async with bridging(20.0) as (mouth, _):
        turn = _asked()
        await conformance.speak(mouth, turn, "Enfin.")
        assert {*turn.lines[:2]} == {*FILLERS}
        assert turn.said == f"{turn.lines[0]} {turn.lines[1]} Enfin."
        assert len(turn.steps_down) == 2


@virtual
async def test_a_filler_without_an_answer_is_the_whole_turn() -> None:
    async with bridging(0.0) as (mouth, _):

        async def reply() -> AsyncIterator[Say]:
            await asyncio.sleep(2.0)
            for line in tuple[Say, ...]():
                yield line

        turn = _asked()
        await mouth.speak(turn, reply())
        assert turn.said in FILLERS


@pytest.mark.parametrize(("after_s", "begun"), [(0.75 + FILLER_S / 2, False), (1.6, True)])
@virtual
async def test_an_answer_counts_once_it_is_heard_not_its_filler(
    after_s: float, begun: bool
) -> None:
    async with bridging(0.9) as (mouth, _):
        turn = _asked()
        marks: list[tuple[Mark, bool]] = []
        turn.on_mark = lambda mark: marks.append((mark, turn.bridging))
        task = asyncio.create_task(conformance.speak(mouth, turn, "Dix caract."))
        await asyncio.sleep(after_s)
        mouth.clear(1)
        task.cancel()
        await asyncio.wait({task})
        await asyncio.sleep(0.05)
        mouth.reached(turn)
        assert ((Mark.FIRST_PLAYED, True) in marks) == (turn.said != "" or not begun)
        assert ((Mark.FIRST_PLAYED, False) in marks) == begun


@virtual
async def test_answers_that_were_late_are_bridged_at_once() -> None:
    async with bridging(1.0) as (mouth, _):
        for epoch in range(1, 11):
            turn = _asked()
            turn.epoch = epoch
            await conformance.speak(mouth, turn, "Oui.")
        assert turn.steps_down == [StepDown("answer", "predicted")]
        assert turn.marks[Mark.FIRST_AUDIO] - turn.marks[Mark.INTENT] == pytest.approx(0.04)


# Comfort noise

NOISY = Capabilities(
    rate_hz=16000, mark=True, clear=True, pause=True, lead_s=0.1, comfort_noise=True
)


@virtual
async def test_comfort_noise_is_heard_between_turns_and_said_by_none() -> None:
    async with speaking(NOISY, lambda: _Slow(0.3)) as (mouth, channel):
        mouth.start()
        await asyncio.sleep(1.0)
        before = len(channel.played)
        assert before == 32000
        turn = Turn(1)
        await conformance.speak(mouth, turn, "Dix caract.")
        assert turn.said == "Dix caract."
        assert channel.played[:before] == noise(16000)[:before]
        after = len(channel.played)
        await asyncio.sleep(0.1)
        assert bytes(channel.played[after:]) in noise(16000)
        mouth.stop()


@virtual
async def test_comfort_noise_does_not_count_as_played_of_a_turn() -> None:
    async with speaking(NOISY, lambda: _Slow(1.0)) as (mouth, _):
        mouth.start()
        turn = Turn(1)
        task = asyncio.create_task(conformance.speak(mouth, turn, "un deux trois quatre"))
        await asyncio.sleep(1.0 + 0.75)
        mouth.hold()
        mouth.clear(1)
        task.cancel()
        await asyncio.wait({task})
        await asyncio.sleep(0.1)
        mouth.reached(turn)
        assert turn.said == "un deux"  # 0.75 s of 1.2, and not all that was heard in 1.75
        mouth.release()
        mouth.stop()


@virtual
async def test_without_the_capability_there_is_no_noise() -> None:
    async with speaking() as (mouth, channel):
        mouth.start()
        await asyncio.sleep(1.0)
        assert channel.played == b""
        mouth.stop()
