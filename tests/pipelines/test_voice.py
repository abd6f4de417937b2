"""A whole call in virtual time: who speaks when, and what is remembered of it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.channel import Capabilities
from engine.errors import SpeechError
from engine.frames import Dtmf, Expected, Failed, Frame, Hangup, Interrupted, SpeechStarted
from engine.link import Link
from engine.stage import Outlet
from engine.turn import State
from pipelines.speech.fillers import Fillers
from pipelines.turns.floor import FINAL_PATIENCE_S
from pipelines.turns.gate import SpeechGate
from pipelines.voice import LAST_WORDS_S, Speech
from tests.pipelines.callers import Caller, EnergyVad, Lines, ScriptedSTT, ToneTTS
from tests.virtual import virtual

LONG = "Une très longue phrase que personne ne laisse finir, avec encore beaucoup de mots."


@virtual
async def test_a_greeting_a_question_an_answer() -> None:
    async with Caller("j'ai un livret") as caller:
        await caller.quiet(1.0)
        await caller.say(0.8, then_quiet=3.0)
        assert caller.replies() == ["Bonjour !", "réponse 2 j'ai un livret"]
        assert caller.finals() == ["j'ai un livret"]
        assert caller.states() == [
            "processing",
            "responding",
            "listening",
            "processing",
            "responding",
            "listening",
        ]
        greeting, turn = caller.ledgers()
    assert greeting["said"] == "Bonjour !"
    assert turn["heard"] == "j'ai un livret"
    assert turn["said"] == "réponse 2 j'ai un livret"
    assert turn["marks"]["endpoint"] == pytest.approx(260, abs=21)  # type: ignore[index]
    spans: dict[str, float] = turn["spans"]  # type: ignore[assignment]
    assert sum(spans.values()) == pytest.approx(turn["gap_ms"])
    assert turn["gap_ms"] == pytest.approx(turn["marks"]["first_played"])  # type: ignore[index]
    assert spans["transcription"] == pytest.approx(20, abs=1)


class LateTTS(ToneTTS):
    """Thinks for a second before each line."""

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        await asyncio.sleep(1.0)
        await super().run(inbox, outbox)


@virtual
async def test_a_late_answer_is_bridged_by_a_filler_of_the_session() -> None:
    texts = ["oui"]
    speech = Speech(
        lambda: SpeechGate(EnergyVad()),
        lambda: ScriptedSTT(texts, 0.02),
        lambda: (LateTTS(),),
        fillers=lambda seed: Fillers(
            {"any": (f"voyons {seed}",)}, lambda line: b"\1\0" * 4800, "fr", seed
        ),
    )
    async with Caller(speech=speech) as caller:
        await caller.quiet(2.0)
        await caller.say(0.8, then_quiet=4.0)
        greeting, turn = caller.ledgers()
    assert greeting["steps_down"] == []
    assert turn["said"] == "voyons s réponse 2 oui"
    assert turn["steps_down"] == [{"left": "answer", "why": "late"}]
    assert turn["gap_ms"] < 1000  # type: ignore[operator]


@virtual
async def test_an_interruption_pauses_then_clears_and_nothing_more_of_it_is_sent() -> None:
    async with Caller("attendez j'ai une question", flow=Lines(LONG)) as caller:
        await caller.quiet(1.0)
        assert caller.state == State.RESPONDING
        await caller.say(0.1)
        assert caller.state == State.PAUSED
        before = len(caller.channel.played)
        await caller.say(1.0)
        assert len(caller.channel.played) == before
        assert caller.state == State.LISTENING
        await caller.quiet(4.0)
        cut, answered = caller.ledgers()
    assert cut["interrupted"] is True
    assert LONG.startswith(str(cut["said"]))
    assert 0 < len(str(cut["said"])) < 30  # a second of it, at 60 ms a character
    assert answered["heard"] == "attendez j'ai une question"


@virtual
async def test_a_backchannel_pauses_and_resumes_without_losing_a_sample() -> None:
    async with Caller("oui oui", flow=Lines(LONG)) as caller:
        await caller.quiet(1.0)
        await caller.say(0.3, then_quiet=8.0)
        assert caller.states() == [
            "processing",
            "responding",
            "paused",
            "responding",
            "listening",
        ]
        assert [ledger["said"] for ledger in caller.ledgers()] == [LONG]
        assert len(caller.channel.played) == len(LONG) * 1920


@virtual
async def test_a_cough_between_turns_is_no_turn_and_silence_goes_on_counting() -> None:
    async with Caller("") as caller:
        await caller.quiet(2.0)
        await caller.say(0.2, then_quiet=6.5)
        assert caller.replies() == ["Bonjour !", "vous êtes là ?"]


@virtual
async def test_who_goes_on_before_the_answer_sounds_is_understood_as_one() -> None:
    async with Caller("je voudrais", "un rendez-vous", stt_delay_s=0.2) as caller:
        await caller.quiet(1.5)
        await caller.say(0.6, then_quiet=0.3)
        await caller.say(0.6, then_quiet=3.0)
        assert caller.replies()[-1] == "réponse 2 je voudrais un rendez-vous"


@virtual
async def test_a_step_that_must_be_heard_is_not_interrupted() -> None:
    async with Caller("non non attendez", flow=Lines("Message légal.", "never")) as caller:
        await caller.quiet(0.2)
        await caller.say(0.3, then_quiet=2.0)
        assert caller.states()[:3] == ["processing", "responding", "listening"]
        assert caller.ledgers()[0]["said"] == "Message légal."


@virtual
async def test_always_gives_way_at_the_first_sound() -> None:
    async with Caller("mm", flow=Lines(LONG, "always")) as caller:
        await caller.quiet(1.0)
        await caller.say(0.1)
        assert caller.state == State.LISTENING


@virtual
async def test_long_speech_without_words_interrupts() -> None:
    async with Caller("", flow=Lines(LONG)) as caller:
        await caller.quiet(1.0)
        await caller.say(1.7)
        assert caller.state == State.LISTENING


@virtual
async def test_silence_is_asked_about() -> None:
    async with Caller() as caller:
        await caller.quiet(14.0)
        assert caller.replies() == ["Bonjour !", "vous êtes là ?", "vous êtes là ?"]


@virtual
async def test_the_turn_ends_when_the_far_end_stops_sending() -> None:
    async with Caller("bonjour") as caller:
        await caller.quiet(1.5)
        await caller.say(0.6)
        await asyncio.sleep(3.0)  # not a frame
        assert caller.replies()[-1] == "réponse 2 bonjour"
        assert caller.ledgers()[-1]["marks"]["endpoint"] < 300  # type: ignore[index]


@virtual
async def test_a_key_stops_our_sound() -> None:
    async with Caller(flow=Lines(LONG)) as caller:
        await caller.quiet(1.0)
        caller.channel.deliver(Dtmf("1", caller.ticker._clock.now()))
        await asyncio.sleep(0.1)
        assert caller.replies()[-1] == "vous êtes là ?"
        assert caller.ledgers()[0]["interrupted"] is True


@virtual
async def test_a_hang_up_ends_everything() -> None:
    async with Caller(flow=Lines(LONG)) as caller:
        await caller.quiet(0.5)
        caller.channel.deliver(Hangup("caller"))
        assert await caller.task == "caller"
        sent = len(caller.channel.played)
        await asyncio.sleep(1.0)
        assert len(caller.channel.played) == sent
        assert len(caller.ticker) == 0


@virtual
async def test_what_is_said_at_the_moment_of_hanging_up_is_heard() -> None:
    async with Caller("ne m'appelez plus", stt_delay_s=0.1) as caller:
        await caller.quiet(1.5)
        await caller.say(0.8)
        caller.channel.deliver(Hangup("caller"))
        assert await caller.task == "caller"
        assert [ledger["heard"] for ledger in caller.ledgers()] == ["", "ne m'appelez plus"]
        log = await caller.store.read("s")
    assert [event.name for event in log][-2:] == ["turn", "session.closed"]


@virtual
async def test_a_stuck_recogniser_does_not_keep_a_hang_up_waiting() -> None:
    async with Caller("x", stt_delay_s=60.0) as caller:
        await caller.quiet(1.5)
        await caller.say(0.6)
        caller.channel.deliver(Hangup("caller"))
        async with asyncio.timeout(LAST_WORDS_S + 0.1):
            assert await caller.task == "caller"


@virtual
async def test_without_marks_what_was_paced_counts_as_heard() -> None:
    async with Caller("bonjour", capabilities=Capabilities(rate_hz=16000)) as caller:
        await caller.quiet(1.5)
        await caller.say(0.6, then_quiet=3.0)
        assert caller.ledgers()[-1]["said"] == "réponse 2 bonjour"


@virtual
@pytest.mark.parametrize("rate_hz", [8000, 24000, 48000])
async def test_the_far_end_gets_its_own_rate(rate_hz: int) -> None:
    async with Caller(capabilities=Capabilities(rate_hz=rate_hz, mark=True)) as caller:
        await caller.quiet(2.0)
        expected = len("Bonjour !") * 0.06 * rate_hz * 2
        assert len(caller.channel.played) == pytest.approx(expected, abs=rate_hz * 0.08)


class _Broken:
    """A recogniser that raises, or hangs, at the end of the first utterances."""

    def __init__(self, failures: list[str], texts: list[str]) -> None:
        self._failures = failures
        self._good = ScriptedSTT(texts)

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        if not self._failures:
            await self._good.run(inbox, outbox)
            return
        async for frame in inbox:
            if type(frame).__name__ == "SpeechEnded":
                if self._failures.pop(0) == "raise":
                    raise SpeechError("no recogniser; run `palabre models check`")
                await asyncio.Event().wait()


def _broken(failures: list[str], texts: list[str]) -> Speech:
    return Speech(
        lambda: SpeechGate(EnergyVad()), lambda: _Broken(failures, texts), lambda: (ToneTTS(),)
    )


@virtual
@pytest.mark.parametrize("how", ["raise", "hang"])
async def test_a_failing_recogniser_costs_a_turn_not_the_call(how: str) -> None:
    async with Caller(speech=_broken([how], ["deux fois"])) as caller:
        await caller.quiet(1.5)
        await caller.say(0.6, then_quiet=FINAL_PATIENCE_S + 2.0)
        assert caller.replies()[-1] == "réponse 2"
        await caller.say(0.6, then_quiet=3.0)
        assert caller.replies()[-1] == "réponse 3 deux fois"


@virtual
async def test_a_recogniser_that_fails_three_times_in_a_row_ends_the_call() -> None:
    async with Caller(speech=_broken(["raise"] * 9, [])) as caller:
        await caller.quiet(1.5)
        for _ in range(3):
            await caller.say(0.6, then_quiet=2.0)
        assert await caller.task == "failed"


@virtual
async def test_no_event_of_the_session_is_lost_on_the_way() -> None:
    async with Caller("stop", flow=Lines(LONG)) as caller:
        seen: list[Any] = []
        deliver = caller.call.session.deliver

        def spy(frame: Frame) -> bool:
            seen.append(type(frame))
            return deliver(frame)

        caller.call.session.deliver = spy  # type: ignore[assignment, method-assign]
        await caller.quiet(1.0)
        await caller.say(0.6, then_quiet=1.0)
        assert Interrupted in seen
        assert Failed not in seen


@virtual
@pytest.mark.parametrize("phrases", [(), ("oui", "non")])
async def test_the_recogniser_is_told_before_speech_what_the_question_expects(
    phrases: tuple[str, ...],
) -> None:
    told: list[Frame] = []

    class Listening(ScriptedSTT):
        async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
            async for frame in inbox:
                match frame:
                    case Expected() | SpeechStarted():
                        told.append(frame)
                    case _:
                        pass

    speech = Speech(
        lambda: SpeechGate(EnergyVad()), lambda: Listening([], 0.0), lambda: (ToneTTS(),)
    )
    async with Caller(flow=Lines(phrases=phrases), speech=speech) as caller:
        await caller.quiet(1.0)
        await caller.say(0.4)
    started = [type(frame) for frame in told]
    assert started == ([Expected, SpeechStarted] if phrases else [SpeechStarted])
    assert not phrases or told[0] == Expected(phrases)
