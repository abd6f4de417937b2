"""Who may speak when, in whole calls in virtual time: what holds us, and how every hold ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from engine.clock import LoopClock
from engine.flow import Effect, Event, FlowState, Question, Started
from engine.frames import Audio, Dtmf, Expected, Frame, Hangup, Say, SpeechEnded, Transcript
from engine.link import Link
from engine.stage import Outlet
from engine.turn import State
from pipelines.turns.floor import FINAL_PATIENCE_S, WORDLESS_S
from pipelines.turns.gate import SpeechGate
from pipelines.turns.overlap import FALSE_ALARMS
from pipelines.voice import Speech
from tests.pipelines.callers import SILENCE, VOICE, Caller, EnergyVad, Lines, ScriptedSTT, ToneTTS
from tests.virtual import virtual

LONG = "Une très longue phrase que personne ne laisse finir, avec encore beaucoup de mots."


class Asking(Lines):
    """Greets with a question of some kind."""

    def __init__(self, expects: str, greeting: str = LONG, barge_in: str = "polite") -> None:
        super().__init__(greeting, barge_in)
        self.expects = expects

    def step(self, state: FlowState, event: Event) -> tuple[FlowState, tuple[Effect, ...]]:
        if isinstance(event, Started):
            return {**state, "n": state["n"] + 1}, (Say(self.greeting, question=True),)
        return super().step(state, event)

    def question(self, state: FlowState) -> Question:
        return Question("q", ("any",), self.barge_in, expects=self.expects)


def _french(texts: list[str], **settings: float) -> Speech:
    return Speech(
        lambda: SpeechGate(EnergyVad()),
        lambda: ScriptedSTT(texts, **settings),
        lambda: (ToneTTS(),),
        language="fr",
    )


# What is said over us


@virtual
@pytest.mark.parametrize(
    ("expects", "after_s", "text", "heard"),
    [
        ("choice", 1.0, "oui", False),  # the question had hardly begun
        ("choice", 3.5, "oui", True),
        ("anything", 3.5, "d'accord", True),
        ("digits", 3.5, "oui", False),
        ("name", 3.5, "d'accord oui", False),
        ("name", 3.5, "dupont", True),
        ("choice", 3.5, "euh", False),
        ("choice", 1.0, "stop", True),
    ],
)
async def test_the_question_says_what_answers_it(
    expects: str, after_s: float, text: str, heard: bool
) -> None:
    async with Caller(text, flow=Asking(expects)) as caller:
        await caller.quiet(after_s)
        await caller.say(0.4, then_quiet=8.0)
        ledgers = caller.ledgers()
    assert ledgers[0]["interrupted"] is heard
    assert [ledger["heard"] for ledger in ledgers if ledger["heard"]] == [text] * heard


@virtual
async def test_what_is_said_over_a_line_that_must_be_heard_is_answered_after_it() -> None:
    async with Caller("ne m'appelez plus", flow=Lines(LONG, "never")) as caller:
        await caller.quiet(1.0)
        await caller.say(0.8, then_quiet=6.0)
        assert State.PAUSED not in caller.states()
        legal, answer = caller.ledgers()
    assert legal["said"] == LONG
    assert answer["heard"] == "ne m'appelez plus"
    assert answer["gap_ms"] < 200  # type: ignore[operator]


@virtual
async def test_an_answer_that_begins_over_such_a_line_and_outlasts_it_is_one_turn() -> None:
    async with Caller("j'ai un livret", flow=Lines("Message légal.", "never")) as caller:
        await caller.quiet(0.5)
        await caller.say(0.9, then_quiet=3.0)
        legal, answer = caller.ledgers()
    assert (legal["said"], answer["heard"]) == ("Message légal.", "j'ai un livret")


# Every hold ends


class _TakesBack:
    """A recogniser that takes interims back: `interim` while there is sound, then `final`; nothing
    while there is sound as well, if `soon`."""

    def __init__(self, interim: str, final: str = "", *, soon: bool = False) -> None:
        self._interim = interim
        self._final = final
        self._soon = soon

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        pieces = 0
        async for frame in inbox:
            match frame:
                case Audio():
                    pieces += 1
                    if pieces == 4 and self._interim:
                        await outbox.put(Transcript(self._interim, False, frame.at))
                    if pieces == 5 and self._interim and self._soon:
                        await outbox.put(Transcript("", False, frame.at))
                case SpeechEnded(decided_at=at):
                    pieces = 0
                    await outbox.put(Transcript(self._final, True, at))
                case _:
                    pass


class _Stuck:
    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        async for frame in inbox:
            if isinstance(frame, SpeechEnded):
                await asyncio.Event().wait()


@virtual
@pytest.mark.parametrize(
    ("what", "seconds", "within_s"),
    [
        ("a cough", 0.3, 0.4),
        ("a word taken back", 0.6, 0.4),
        ("words taken back", 0.9, 0.4),
        ("long noise", 3.0, 0.4),
        ("a stuck recogniser", 0.5, FINAL_PATIENCE_S + 0.5),
        ("a sound that never ends", 20.0, WORDLESS_S - 20.0 + 0.5),
    ],
)
async def test_after_a_false_interruption_we_speak_within_a_bounded_time(
    what: str, seconds: float, within_s: float
) -> None:
    interim = {"a word taken back": "mon", "words taken back": "mon livret"}.get(what, "")
    stt = _Stuck() if what.startswith("a stuck") else _TakesBack(interim)
    speech = Speech(lambda: SpeechGate(EnergyVad()), lambda: stt, lambda: (ToneTTS(),))
    async with Caller(flow=Lines(LONG), speech=speech) as caller:
        # The recogniser has shown before that it has interims.
        caller.call._floor._interims = True
        await caller.quiet(1.0)
        sent = len(caller.channel.played)
        await caller.say(0.1)
        assert caller.state == State.PAUSED
        talking = asyncio.create_task(caller.say(seconds - 0.1, then_quiet=8.0))
        await asyncio.sleep(seconds - 0.1 + 0.24 + within_s)
        assert len(caller.channel.played) > sent
        assert caller.state != State.PAUSED
        await talking


@virtual
async def test_a_line_that_coughs_again_and_again_holds_us_no_more_and_words_still_do() -> None:
    coughs = [""] * (FALSE_ALARMS + 1)
    async with Caller(*coughs, "attendez", flow=Lines(LONG * 3)) as caller:
        for _ in coughs:
            await caller.quiet(1.0)
            await caller.say(0.2, then_quiet=0.6)
        assert caller.states().count(State.PAUSED) == FALSE_ALARMS
        assert caller.state == State.RESPONDING
        await caller.say(0.4, then_quiet=0.5)
        assert caller.ledgers()[0]["interrupted"] is True


# Pauses


@virtual
@pytest.mark.parametrize(
    ("first", "pause_s", "whole"),
    [
        ("je voudrais", 0.6, True),
        ("j'ai un", 0.4, True),
        ("j'ai un livret", 0.6, False),
        ("euh", 0.6, True),
    ],
)
async def test_what_breaks_off_is_waited_for(first: str, pause_s: float, whole: bool) -> None:
    async with Caller(speech=_french([first, "un rendez-vous"])) as caller:
        await caller.quiet(1.5)
        await caller.say(0.2 * len(first.split()) + 0.2, then_quiet=pause_s)
        replies = len(caller.replies())
        await caller.say(0.6, then_quiet=3.0)
        heard = [str(ledger["heard"]) for ledger in caller.ledgers()]
    assert (replies == 1) is whole
    if whole:
        assert len(heard) == 2  # the greeting, and one turn


class _Finals(ScriptedSTT):
    """Has no interims."""

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        async for frame in inbox:
            if isinstance(frame, SpeechEnded):
                await outbox.put(Transcript(self._texts.pop(0), True, frame.decided_at))


def _finals(*texts: str) -> Speech:
    return replace(_french([]), stt=lambda: _Finals(list(texts)))


@virtual
async def test_a_final_that_breaks_off_waits_although_no_interim_said_so() -> None:
    async with Caller(speech=_finals("je voudrais", "un rendez-vous")) as caller:
        await caller.quiet(1.5)
        await caller.say(0.6, then_quiet=0.5)
        assert len(caller.replies()) == 1
        await caller.say(0.6, then_quiet=3.0)
        turn = caller.ledgers()[-1]
    assert turn["heard"] == "je voudrais un rendez-vous"


@virtual
async def test_what_breaks_off_for_good_is_answered_all_the_same() -> None:
    async with Caller(speech=_finals("je voudrais")) as caller:
        await caller.quiet(1.5)
        await caller.say(0.6, then_quiet=3.0)
        turn = caller.ledgers()[-1]
    assert turn["heard"] == "je voudrais"
    assert 900 < turn["spans"]["endpointing"] < 1000  # type: ignore[index]
    assert turn["gap_ms"] < 1100  # type: ignore[operator]


@virtual
async def test_the_pauses_of_a_caller_are_learnt() -> None:
    texts = ["un livret", "et un pel", "rien mais"]
    async with Caller(speech=_french(texts, delay_s=0.4)) as caller:
        await caller.quiet(1.5)
        await caller.say(0.6, then_quiet=0.5)
        await caller.say(0.8, then_quiet=3.0)
        await caller.say(0.6, then_quiet=3.0)
        first, second = caller.ledgers()[-2:]
    assert first["heard"] == "un livret et un pel"
    assert second["heard"] == "rien mais"
    assert second["spans"]["endpointing"] == pytest.approx(1200, abs=21)  # type: ignore[index]


@virtual
async def test_a_key_answers_in_the_place_of_words_that_broke_off() -> None:
    async with Caller(speech=_finals("je voudrais")) as caller:
        await caller.quiet(1.5)
        await caller.say(0.6, then_quiet=0.4)
        caller.channel.deliver(Dtmf("1", LoopClock().now()))
        await caller.quiet(3.0)
        assert [ledger["heard"] for ledger in caller.ledgers()] == ["", ""]


@virtual
async def test_words_that_broke_off_before_a_hang_up_count() -> None:
    async with Caller(speech=_finals("ne m'appelez plus et")) as caller:
        await caller.quiet(1.5)
        await caller.say(0.6, then_quiet=0.4)
        caller.channel.deliver(Hangup("caller"))
        assert await caller.task == "caller"
        assert caller.ledgers()[-1]["heard"] == "ne m'appelez plus et"


# Our own voice


class _Hiss:
    """Speaks 60 ms of noise per character: as little like itself later as speech is."""

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        chance = np.random.default_rng(1)
        async for frame in inbox:
            await outbox.put(frame)
            if isinstance(frame, Say):
                for index in range(len(frame.text)):
                    sound = np.convolve(chance.standard_normal(960), np.ones(4) / 4, "same")
                    pcm = (4000 * sound * chance.uniform(0.3, 1.0)).astype("<i2").tobytes()
                    await outbox.put(Audio(pcm, 16000, index * 0.06))


class _Loud:
    """Takes for speech what is not very weak."""

    def is_speech(self, frame: bytes) -> bool:
        return bool(np.abs(np.frombuffer(frame, "<i2")).max() > 40)


class _Line:
    """Sends back what the far end plays, later and weaker, and what is said there."""

    def __init__(self, caller: Caller, delay_s: float, gain_db: float) -> None:
        self._caller = caller
        self._gain = 10 ** (gain_db / 20)
        self._played = [0] * round(delay_s / 0.02 + 1)  # bytes, of the latest moments
        self._chance = np.random.default_rng(2)

    async def pass_(self, seconds: float, voice: bytes = SILENCE) -> None:
        channel = self._caller.channel
        for _ in range(round(seconds / 0.02)):
            await asyncio.sleep(0.02)
            self._played.append(len(channel.played) - channel._unplayed())
            before = self._played.pop(0)
            sent_back = bytes(channel.played[before : self._played[0]])[-640:].rjust(640, b"\0")
            sound = np.frombuffer(sent_back, "<i2") * self._gain
            sound = sound + np.frombuffer(voice, "<i2") * self._chance.uniform(0.2, 1.0, 320)
            pcm = sound.astype("<i2").tobytes()
            channel.deliver(Audio(pcm, 16000, LoopClock().now() - 0.02))


@virtual
@pytest.mark.parametrize(("delay_s", "gain_db"), [(0.04, -6.0), (0.2, -12.0), (0.46, -24.0)])
async def test_our_own_echo_neither_holds_us_nor_is_heard(delay_s: float, gain_db: float) -> None:
    words = "une très longue phrase que personne ne laisse finir"
    speech = Speech(lambda: SpeechGate(_Loud()), lambda: ScriptedSTT([words]), lambda: (_Hiss(),))
    async with Caller(flow=Lines(LONG), speech=speech) as caller:
        await _Line(caller, delay_s, gain_db).pass_(7.0)
        assert State.PAUSED not in caller.states()
        assert [(one["said"], one["heard"]) for one in caller.ledgers()] == [(LONG, "")]


@virtual
async def test_who_speaks_over_the_echo_is_heard() -> None:
    texts = ["une très longue phrase", "non merci je ne veux pas"]  # our own words first
    speech = Speech(lambda: SpeechGate(_Loud()), lambda: ScriptedSTT(texts), lambda: (_Hiss(),))
    async with Caller(flow=Lines(LONG), speech=speech) as caller:
        line = _Line(caller, 0.2, -12.0)
        await line.pass_(2.0)
        assert caller.state == State.RESPONDING
        await line.pass_(0.2, VOICE)
        assert caller.state == State.PAUSED
        await line.pass_(1.2, VOICE)
        assert caller.state == State.LISTENING
        await line.pass_(3.0)
        cut, answer = caller.ledgers()
    assert cut["interrupted"] is True
    assert str(answer["heard"]).endswith("merci je ne veux pas")
    assert len(str(answer["heard"]).split()) < 10  # most of our own words are not in it


# The likely end


@virtual
async def test_the_mind_is_told_what_was_probably_said_before_the_silence_is_over() -> None:
    async with Caller("j'ai un livret") as caller:
        told: list[tuple[float, str]] = []
        clock = LoopClock()
        session = caller.call.session
        session.expect = lambda text: told.append((clock.now(), text))  # type: ignore[method-assign]
        await caller.quiet(1.5)
        end = clock.now() + 0.9
        await caller.say(0.9, then_quiet=3.0)
        assert caller.ledgers()[-1]["heard"] == "j'ai un livret"
    assert {text for _, text in told} == {"j'ai un livret"}
    assert told[0][0] - end == pytest.approx(0.12, abs=0.03)


@virtual
@pytest.mark.parametrize(("final", "interrupts"), [("ah oui", False), ("attendez", True)])
async def test_a_stop_word_so_far_holds_us_until_it_is_one(final: str, interrupts: bool) -> None:
    speech = replace(_early("oui", words=""), stt=lambda: _TakesBack("stop", final))
    async with Caller(flow=Lines(LONG), speech=speech) as caller:
        await caller.quiet(1.0)
        await caller.say(0.5)
        assert caller.state == State.PAUSED
        assert not caller.ledgers()
        await caller.quiet(8.0)
        assert caller.ledgers()[0]["interrupted"] is interrupts
        if not interrupts:
            assert len(caller.channel.played) == len(LONG) * 1920


@virtual
async def test_a_line_that_must_be_heard_is_not_held_for_a_stop_word() -> None:
    speech = replace(_french([]), stt=lambda: _TakesBack("stop", "stop"))
    async with Caller(flow=Lines(LONG, "never"), speech=speech) as caller:
        await caller.quiet(1.0)
        await caller.say(0.5, then_quiet=8.0)
        assert State.PAUSED not in caller.states()
        assert caller.ledgers()[0]["said"] == LONG


# The beginning of what is said over us


def _early(*texts: str, words: str) -> Speech:
    """What the early ear makes of each sound in turn, 25 ms later; then the words."""
    left = list(texts)

    def early(pcm: bytes, tell: Callable[[str], None]) -> None:
        assert len(pcm) > 0.3 * 32000
        asyncio.get_running_loop().call_later(0.025, tell, left.pop(0))

    return replace(_french([words]), early=early)


@virtual
@pytest.mark.parametrize(
    ("text", "words"), [("oui", "oui oui"), ("d'accord", "d'accord"), ("", "")]
)
async def test_a_backchannel_is_known_by_its_beginning_and_holds_us_for_a_moment(
    text: str, words: str
) -> None:
    async with Caller(flow=Lines(LONG), speech=_early(text, words=words)) as caller:
        await caller.quiet(1.0)
        sent = len(caller.channel.played)
        await caller.say(0.3)
        assert len(caller.channel.played) > sent + 2500  # it went on before the word was over
        await caller.say(0.14, then_quiet=8.0)
        assert caller.states().count(State.PAUSED) == 1
        assert [ledger["said"] for ledger in caller.ledgers()] == [LONG]
        assert len(caller.channel.played) == len(LONG) * 1920


@virtual
@pytest.mark.parametrize("text", ["attendez", "oui"])
async def test_words_interrupt_whatever_their_beginning_sounded_like(text: str) -> None:
    speech = _early(text, words="oui attendez j'ai une question")
    async with Caller(flow=Lines(LONG), speech=speech) as caller:
        await caller.quiet(1.0)
        await caller.say(1.2, then_quiet=3.0)
        assert caller.ledgers()[0]["interrupted"] is True
        assert caller.ledgers()[-1]["heard"] == "oui attendez j'ai une question"


@virtual
async def test_what_sounded_like_a_backchannel_and_does_not_end_holds_us_again() -> None:
    async with Caller(flow=Lines(LONG), speech=_early("", words="")) as caller:
        await caller.quiet(1.0)
        await caller.say(0.6)
        assert caller.state == State.RESPONDING
        await caller.say(0.4)
        assert caller.state == State.PAUSED
        await caller.quiet(4.0)
        assert caller.state != State.PAUSED


BUZZ = np.repeat([[9000], [-1000]], [40, 120], axis=0).astype("<i2").tobytes() * 2
"""20 ms of a pitch of 100 Hz."""


def _doubting(text: str) -> Speech:
    """Every utterance is `text`, and doubted."""

    class Doubting:
        async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
            async for frame in inbox:
                if isinstance(frame, SpeechEnded):
                    await outbox.put(Transcript(text, True, frame.decided_at, 0.3))

    return replace(_french([]), stt=Doubting)


@virtual
@pytest.mark.parametrize(
    ("text", "sound", "interrupts"),
    [("bof", BUZZ, True), ("oui", BUZZ, False), ("bof", VOICE, False), ("stop", VOICE, True)],
)
async def test_a_doubted_word_interrupts_if_a_voice_said_it(
    text: str, sound: bytes, interrupts: bool
) -> None:
    async with Caller(flow=Lines(LONG), speech=_doubting(text)) as caller:
        await caller.quiet(1.0)
        await caller._send(sound, 0.2)
        assert caller.state == State.PAUSED
        await caller.quiet(8.0)
        states = caller.states()
        ledgers = caller.ledgers()
    assert ledgers[0]["interrupted"] is interrupts
    paused = states.index(State.PAUSED)
    assert states[paused + 1] == (State.LISTENING if interrupts else State.RESPONDING)


@virtual
async def test_a_cough_in_our_silence_is_not_answered_whatever_was_made_of_it() -> None:
    async with Caller(speech=_doubting("r")) as caller:
        await caller.quiet(1.5)
        await caller.say(0.3, then_quiet=2.0)
        assert len(caller.replies()) == 1
        await caller._send(BUZZ, 0.3)
        await caller.quiet(2.0)
        assert len(caller.replies()) == 2


@virtual
async def test_what_is_said_aside_takes_no_turn() -> None:
    faint = (np.frombuffer(BUZZ, "<i2") // 4).astype("<i2").tobytes()
    speech = _french(["un livret", "il fait très beau", "il fait très beau ici"])
    async with Caller(flow=Lines("Bonjour !"), speech=speech) as caller:
        await caller.quiet(1.0)
        await caller._send(BUZZ, 0.6)
        await caller.quiet(0.8)
        assert caller.state == State.RESPONDING
        await caller._send(faint, 0.8)
        assert caller.state == State.PAUSED
        await caller.quiet(2.0)
        assert [ledger["interrupted"] for ledger in caller.ledgers()] == [False, False]


@virtual
@pytest.mark.parametrize("soon", [False, True])
async def test_words_taken_back_in_our_silence_are_asked_for_again_soon(soon: bool) -> None:
    speech = replace(_french([]), stt=lambda: _TakesBack("oui", soon=soon))
    async with Caller(speech=speech) as caller:
        await caller.quiet(1.5)
        await caller.say(0.5, then_quiet=0.4)
        assert len(caller.replies()) == 1  # the caller may go on
        await caller.quiet(0.3)
        assert len(caller.replies()) == 2


@virtual
async def test_who_says_a_syllable_of_which_nothing_is_left_is_waited_for_longer() -> None:
    async with Caller(speech=replace(_french([]), stt=lambda: _TakesBack("pas"))) as caller:
        await caller.quiet(1.5)
        await caller.say(0.2, then_quiet=0.9)
        assert len(caller.replies()) == 1  # "euh": the caller may go on
        await caller.quiet(0.3)
        assert len(caller.replies()) == 2


@virtual
async def test_over_a_statement_no_answer_is_listened_for() -> None:
    phrases: list[tuple[str, ...]] = []

    class Expecting:
        async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
            expected: tuple[str, ...] = ()
            async for frame in inbox:
                match frame:
                    case Expected():
                        expected = frame.phrases
                    case SpeechEnded():
                        phrases.append(expected)
                        expected = ()
                        await outbox.put(Transcript("oui", True, frame.decided_at))
                    case _:
                        pass

    flow = Lines(LONG, phrases=("oui", "non"))
    async with Caller(flow=flow, speech=replace(_french([]), stt=Expecting)) as caller:
        await caller.quiet(1.0)
        await caller.say(0.3, then_quiet=6.0)
        await caller.say(0.3, then_quiet=1.0)
    assert phrases == [(), ("oui", "non")]


@virtual
async def test_the_echo_of_a_line_that_must_be_heard_answers_nothing() -> None:
    ours = "une très longue phrase que personne ne laisse finir"
    speech = Speech(lambda: SpeechGate(_Loud()), lambda: ScriptedSTT([ours]), lambda: (_Hiss(),))
    async with Caller(flow=Lines(LONG, "never"), speech=speech) as caller:
        await _Line(caller, 0.2, -12.0).pass_(7.0)
        assert [one["heard"] for one in caller.ledgers()] == [""]
