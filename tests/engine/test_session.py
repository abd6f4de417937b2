import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.budget import Mark
from engine.errors import SpeechError, StoreError, UnderstandingError
from engine.flow import FlowState, Question, Signal, Understanding
from engine.frames import (
    Dtmf,
    Failed,
    Frame,
    Hangup,
    Interrupted,
    Played,
    Recording,
    SpeechEnded,
    SpeechStarted,
    StateChanged,
    Transfer,
)
from engine.history import CUT
from engine.ladder import Rung
from engine.mouth import Reply
from engine.session import LAST_WORDS_S, MAX_FAILURES
from engine.store import MemoryStore, StoredEvent, VersionError
from engine.turn import Turn
from tests.engine.conversation import GREETING, Conversation, Echo, conversation, greeted
from tests.fakes import FakeMouth, FlakyStore
from tests.virtual import virtual


async def run_to_end(talk: Conversation) -> str:
    assert talk.running is not None
    return await talk.running


# One turn


@virtual
async def test_it_greets_first_and_is_hung_up_by_the_caller() -> None:
    async with conversation() as talk:
        await asyncio.sleep(0.5)
        assert talk.session.turn is not None
        assert talk.session.turn.epoch == 1
        await asyncio.sleep(1)
        assert talk.mouth.spoken == [GREETING]
        assert talk.state == "listening"
    assert await run_to_end(talk) == "caller"
    assert talk.ledgers[0]["said"] == GREETING
    assert not talk.ledgers[0]["interrupted"]
    assert (await talk.logged())[-1] == ("session.closed", {"reason": "caller"})
    assert talk.seen[:3] == [
        StateChanged("processing"),
        StateChanged("responding"),
        talk.seen[2],
    ]


@virtual
@pytest.mark.parametrize("notice", ["", "a demo recogniser"])
async def test_the_log_says_once_how_well_its_words_were_recognised(notice: str) -> None:
    async with conversation(notice=notice) as talk:
        await asyncio.sleep(1)
    log = await talk.logged()
    assert log[0] == ("session.started", {"notice": notice} if notice else {})
    assert sum("notice" in data for _, data in log) == bool(notice)


@virtual
async def test_what_was_heard_is_understood_and_answered() -> None:
    async with greeted() as talk:
        talk.say("oui")
        await asyncio.sleep(3)
        assert talk.mouth.spoken[1:] == ["vous dites oui", "et ensuite ?"]
        assert talk.session.question.step == "step 1"
    ledger = talk.ledgers[1]
    assert ledger["heard"] == "oui"
    assert ledger["intent"] == "any"
    assert ledger["confidence"] == 0.9
    assert ledger["said"] == "vous dites oui et ensuite ?"
    assert ledger["marks"] == {
        "speech_end": 0.0,
        "endpoint": 250.0,
        "transcript": 250.0,
        "intent": 250.0,
        "first_sentence": 250.0,
        "first_audio": 350.0,
        "first_played": 400.0,
    }
    assert ledger["gap_ms"] == 400.0
    assert await talk.answers() == ["oui"]


@virtual
async def test_nothing_is_understood_where_nothing_was_said() -> None:
    async with greeted() as talk:
        talk.say("")
        await asyncio.sleep(3)
    assert talk.ledgers[1]["intent"] is None
    assert "pardon ?" in talk.mouth.spoken


@virtual
async def test_a_turn_without_a_line_ends_and_counts() -> None:
    async with greeted() as talk:
        talk.say("rien")
        await asyncio.sleep(0.1)
        assert talk.state == "listening"
        assert await talk.answers() == ["rien"]
    assert talk.ledgers[1]["said"] == ""
    assert not talk.ledgers[1]["interrupted"]


@virtual
async def test_the_model_is_asked_through_the_mouth() -> None:
    async with greeted() as talk:
        talk.say("pense")
        await asyncio.sleep(3)
    assert talk.ledgers[1]["said"] == "Je ne sais pas."


@virtual
async def test_the_reason_is_known_as_soon_as_it_is_over() -> None:
    """While the log still waits for the store."""
    async with greeted(store=FlakyStore(failures=20)) as talk:
        before = talk.session.reason
        talk.session.deliver(Hangup("caller"))
        await asyncio.sleep(0.1)
        assert talk.state == "closed"
        assert (before, talk.session.reason) == (None, "caller")
        assert talk.running is not None
        assert not talk.running.done()


@virtual
async def test_the_flow_hangs_up_after_its_last_line() -> None:
    async with greeted() as talk:
        talk.say("adieu")
        assert await run_to_end(talk) == "completed"
        assert talk.ledgers[-1]["said"] == "Au revoir."
        assert not talk.say("trop tard")
        assert not talk.session.deliver(Hangup("caller"))


# The user goes on, breaks in, presses keys


@virtual
async def test_a_user_who_goes_on_before_the_answer_is_answered_as_a_whole() -> None:
    async with greeted() as talk:
        talk.say("je voudrais")
        await asyncio.sleep(0.12)  # first sound is made, but not heard
        assert talk.session.question.step == "step 1"
        talk.say("un rendez-vous")
        await asyncio.sleep(4)
        assert talk.session.question.step == "step 1"
    assert [ledger["heard"] for ledger in talk.ledgers[1:]] == [
        "je voudrais",
        "je voudrais un rendez-vous",
    ]
    assert [ledger["interrupted"] for ledger in talk.ledgers] == [False, True, False]
    assert await talk.answers() == ["je voudrais un rendez-vous"]


@virtual
async def test_three_messages_in_one_step_are_one_turn() -> None:
    async with greeted() as talk:
        for text in ("un", "deux", "trois"):
            talk.say(text)
        await asyncio.sleep(4)
    assert await talk.answers() == ["un deux trois"]


@virtual
async def test_a_message_after_something_was_heard_is_a_turn_of_its_own() -> None:
    async with greeted() as talk:
        talk.say("oui")
        await asyncio.sleep(0.5)
        talk.say("non")
        await asyncio.sleep(4)
    assert await talk.answers() == ["oui", "non"]
    assert [ledger["said"] for ledger in talk.ledgers[1:]] == ["", "vous dites non et ensuite ?"]
    assert talk.ledgers[1]["interrupted"]


@virtual
async def test_an_interruption_keeps_what_was_heard_and_no_more() -> None:
    async with greeted() as talk:
        talk.say("oui")
        await asyncio.sleep(1.5)  # within the second line
        talk.session.deliver(SpeechStarted(talk.now, talk.now))
        talk.session.paused()
        await asyncio.sleep(0.2)
        assert talk.state == "paused"
        talk.session.deliver(Interrupted(2, talk.now))
        talk.mouth.late[2] = "vous dites oui et"
        await asyncio.sleep(0.01)
        assert talk.state == "listening"
        assert talk.mouth.speaking is None
        assert len(talk.ledgers) == 1, "the far end has not told yet what it played"
        await asyncio.sleep(20)
        assert len(talk.ledgers) == 1, "the user still speaks"
        talk.say("non")
        await asyncio.sleep(4)
    assert talk.ledgers[1]["said"] == "vous dites oui et"
    assert talk.ledgers[1]["interrupted"]
    assert await talk.answers() == ["oui", "non"]


@virtual
async def test_an_interruption_before_anything_was_heard_changes_nothing() -> None:
    async with greeted() as talk:
        talk.say("oui")
        await asyncio.sleep(0.12)
        talk.session.deliver(SpeechStarted(talk.now, talk.now))
        talk.session.deliver(Interrupted(2, talk.now))
        await asyncio.sleep(0.1)
        assert talk.session.question.step == "step 0"
        talk.say("non")
        await asyncio.sleep(4)
    assert talk.ledgers[1]["said"] == ""
    assert await talk.answers() == ["oui non"]


@virtual
async def test_the_far_end_may_tell_late_that_something_was_heard() -> None:
    async with greeted() as talk:
        talk.say("oui")
        await asyncio.sleep(0.12)
        talk.session.deliver(SpeechStarted(talk.now, talk.now))
        talk.session.deliver(Interrupted(2, talk.now))
        await asyncio.sleep(0.1)
        talk.mouth.late[2] = "vous"
        talk.say("non")
        await asyncio.sleep(4)
    assert talk.ledgers[1]["said"] == "vous"
    assert await talk.answers() == ["oui", "non"]


@virtual
async def test_marks_of_a_turn_that_was_settled_change_nothing() -> None:
    async with greeted() as talk:
        talk.say("oui")
        await asyncio.sleep(0.05)
        stale = talk.session.turn
        assert stale is not None
        talk.say("non")
        await asyncio.sleep(0.05)
        assert talk.state == "processing"
        for mark in (Mark.FIRST_AUDIO, Mark.FIRST_PLAYED):
            stale.mark(mark, talk.now)
        assert talk.state == "processing"
        assert await talk.answers() == []
        await asyncio.sleep(4)
    assert await talk.answers() == ["oui non"]


@virtual
async def test_an_interruption_of_a_turn_that_is_over_is_ignored() -> None:
    async with greeted() as talk:
        talk.session.deliver(Interrupted(1, talk.now))
        talk.say("oui")
        await asyncio.sleep(0.5)
        talk.session.deliver(Interrupted(1, talk.now))
        await asyncio.sleep(4)
    assert not talk.ledgers[1]["interrupted"]


@virtual
async def test_a_backchannel_is_no_interruption() -> None:
    async with greeted() as talk:
        talk.session.paused()  # nothing to pause
        talk.session.resumed()
        assert talk.state == "listening"
        talk.say("oui")
        await asyncio.sleep(0.5)
        talk.session.paused()
        assert talk.state == "paused"
        talk.session.resumed()
        assert talk.state == "responding"
        await asyncio.sleep(3)
        assert talk.state == "listening"
    assert not talk.ledgers[1]["interrupted"]


@virtual
async def test_a_turn_may_end_while_it_is_paused() -> None:
    async with greeted() as talk:
        talk.say("oui")
        await asyncio.sleep(2.1)
        talk.session.paused()
        await asyncio.sleep(0.5)
        assert talk.state == "listening"


class BridgingMouth(FakeMouth):
    """Says a filler first: the answer begins half a second after its first sound."""

    async def speak(self, turn: Turn, reply: Reply) -> None:
        turn.bridging = bool(turn.heard)
        asyncio.get_running_loop().call_later(0.65, turn.begin_answer)
        await super().speak(turn, reply)


@pytest.mark.parametrize(("after_s", "heard"), [(0.4, "oui non"), (0.9, "non")])
@virtual
async def test_a_filler_is_no_answer(after_s: float, heard: str) -> None:
    async with greeted(mouth=BridgingMouth()) as talk:
        talk.say("oui")
        await asyncio.sleep(after_s)
        talk.say("non")
        await asyncio.sleep(4)
    assert talk.ledgers[-1]["heard"] == heard
    assert await talk.answers() == ["oui non"] if heard == "oui non" else ["oui", "non"]


@virtual
async def test_a_key_cuts_in_and_keys_may_be_pressed_ahead() -> None:
    async with conversation() as talk:
        await asyncio.sleep(0.5)
        for digit in "42":
            talk.session.deliver(Dtmf(digit, talk.now))
            await asyncio.sleep(0.08)
        await asyncio.sleep(3)
        assert talk.session.question.step == "step 2"
    assert await talk.answers() == ["4", "2"]
    assert [ledger["interrupted"] for ledger in talk.ledgers] == [True, True, False]
    assert talk.ledgers[1]["marks"]["speech_end"] == 0.0


@virtual
async def test_a_pause_ends_what_is_keyed_in_and_is_no_silence_of_the_user() -> None:
    async with greeted() as talk:
        talk.session.deliver(Dtmf("*", talk.now))
        await asyncio.sleep(1.15 + 1.9)
        assert talk.session.question.step == "step 1"
        await asyncio.sleep(0.2)
        assert talk.session.question.step == "step 2"
        await asyncio.sleep(1.2 + 6.0)
    assert talk.mouth.spoken == [GREETING, "touche *", "c'est noté", "Vous êtes là ? (1)"]


@virtual
async def test_a_turn_that_ended_while_the_next_message_came_counts_as_whole() -> None:
    async def understand(text: str, question: Question) -> Understanding:
        if text == "rien":
            talk.say("oui")  # before word of this turn's end
        return Understanding("any", 0.9, "examples")

    async with greeted(rungs=[Rung("examples", understand)]) as talk:
        talk.say("rien")
        await asyncio.sleep(4)
    assert await talk.answers() == ["rien", "oui"]
    assert not talk.ledgers[1]["interrupted"]


@virtual
async def test_a_turn_that_failed_while_the_next_message_came_is_recorded() -> None:
    async def understand(text: str, question: Question) -> Understanding:
        if text == "oui":
            talk.say("non")
            raise UnderstandingError("no model")
        return Understanding("any", 0.9, "examples")

    async with greeted(rungs=[Rung("examples", understand)]) as talk:
        talk.say("oui")
        await asyncio.sleep(4)
    failures = [data for name, data in await talk.logged() if name == "stage.failed"]
    assert failures == [{"stage": "turn", "error": "understanding.unavailable"}]
    assert await talk.answers() == ["oui non"]


# Signals from outside the talk


@virtual
async def test_a_signal_that_is_only_recorded_interrupts_nobody() -> None:
    async with conversation() as talk:
        await asyncio.sleep(0.5)
        talk.session.deliver(Signal("noted", {"verdict": "human"}, talk.now))
        await asyncio.sleep(3)
    assert [ledger["interrupted"] for ledger in talk.ledgers] == [False]
    assert ("noted", {"verdict": "human"}) in await talk.logged()


@virtual
async def test_a_signal_that_is_answered_cuts_in_and_counts_as_it_comes() -> None:
    async with conversation() as talk:
        await asyncio.sleep(0.5)
        talk.session.deliver(Signal("over", {"verdict": "voicemail"}, talk.now))
        await asyncio.sleep(0.01)
        talk.session.deliver(Hangup("caller"))  # before a word of the answer was heard
        assert await run_to_end(talk) == "caller"
    assert [ledger["interrupted"] for ledger in talk.ledgers] == [True, True]
    assert ("over", {"verdict": "voicemail"}) in await talk.logged()


@virtual
async def test_what_answers_a_signal_may_end_the_conversation() -> None:
    async with greeted() as talk:
        talk.session.deliver(Signal("over", {}, talk.now))
        assert await run_to_end(talk) == "over"
    assert talk.mouth.spoken == [GREETING, "Fini."]


@virtual
async def test_a_signal_may_change_the_state_without_a_word() -> None:
    async with greeted() as talk:
        talk.session.deliver(Signal("changed", {}, talk.now))
        await asyncio.sleep(0.1)
        assert talk.session.question.step == "step 1"
        assert talk.state == "listening"
    assert talk.ledgers[1]["said"] == ""


@virtual
async def test_a_signal_is_answered_from_where_the_one_just_before_it_led() -> None:
    async with conversation() as talk:
        await asyncio.sleep(0.5)
        for _ in range(2):
            talk.session.deliver(Signal("changed", {}, talk.now))
        await asyncio.sleep(0.1)
        assert talk.session.question.step == "step 2"
    assert await talk.answers() == ["changed", "changed"]


@virtual
async def test_a_signal_that_comes_with_the_end_is_recorded_and_not_answered() -> None:
    async with greeted() as talk:
        for name in ("over", "noted"):
            talk.session.deliver(Signal(name, {"late": True}, talk.now))
        talk.session.deliver(Hangup("caller"))
        assert await run_to_end(talk) == "caller"
    assert (await talk.logged())[-3:-1] == [("over", {"late": True}), ("noted", {"late": True})]
    assert talk.mouth.spoken == [GREETING]


@virtual
async def test_a_flow_that_fails_at_a_signal_costs_no_call() -> None:
    async with greeted() as talk:
        talk.session.deliver(Signal("unheard of", {}, talk.now))
        await asyncio.sleep(3)
        talk.say("oui")
        await asyncio.sleep(3)
    assert ("stage.failed", {"stage": "signal", "error": "LookupError"}) in await talk.logged()
    assert talk.mouth.spoken[-1] == "et ensuite ?"


# Silence


@virtual
async def test_silence_is_counted_until_the_flow_gives_up() -> None:
    async with greeted() as talk:
        assert await run_to_end(talk) == "silence"
        # A greeting of 1.15 s, then three times 6 s of silence and a line of 1.15 s.
        assert talk.now == pytest.approx(1000 + 1.15 * 4 + 6 * 3)
    assert talk.mouth.spoken[1:] == ["Vous êtes là ? (1)", "Vous êtes là ? (2)", "Au revoir."]


@virtual
async def test_a_word_starts_the_count_anew() -> None:
    async with greeted() as talk:
        await asyncio.sleep(7)
        talk.say("oui")
        await asyncio.sleep(10)
    assert talk.mouth.spoken.count("Vous êtes là ? (1)") == 2


@virtual
async def test_no_silence_while_the_user_speaks_or_after_a_cough() -> None:
    async with greeted() as talk:
        talk.session.deliver(SpeechStarted(talk.now, talk.now))
        await asyncio.sleep(30)
        assert len(talk.mouth.spoken) == 1
        talk.session.deliver(SpeechEnded(talk.now, talk.now))
        await asyncio.sleep(5.9)
        assert len(talk.mouth.spoken) == 1
        await asyncio.sleep(0.2)
        assert len(talk.mouth.spoken) == 2


@virtual
async def test_a_cough_over_our_words_does_not_arm_the_silence() -> None:
    async with greeted() as talk:
        talk.say("oui")
        await asyncio.sleep(0.5)
        talk.session.deliver(SpeechStarted(talk.now, talk.now))
        talk.session.deliver(SpeechEnded(talk.now, talk.now))
        await asyncio.sleep(1.75)  # the turn lasts 2.15 s
        assert talk.state == "listening"
        await asyncio.sleep(5.8)
        assert talk.state == "listening"
        await asyncio.sleep(0.3)
        assert talk.mouth.spoken[-1] == "Vous êtes là ? (1)"


@virtual
async def test_an_interruption_that_nothing_follows_is_not_waited_on_for_ever() -> None:
    async with greeted() as talk:
        talk.say("oui")
        await asyncio.sleep(0.5)
        talk.session.deliver(Interrupted(2, talk.now))
        await asyncio.sleep(6.1)
        assert talk.mouth.spoken[-1] == "Vous êtes là ? (1)"


# Failures


@virtual
async def test_a_failed_turn_is_followed_by_another() -> None:
    mouth = FakeMouth()
    mouth.errors.extend([None, SpeechError("no voice")])
    async with greeted(mouth=mouth) as talk:
        talk.say("oui")
        await asyncio.sleep(5)
        assert talk.state == "listening"
        assert talk.mouth.spoken[-2:] == ["pardon ?", "et ensuite ?"]
    failures = [data for name, data in await talk.logged() if name == "stage.failed"]
    assert failures == [{"stage": "turn", "error": "speech.unavailable"}]
    assert await talk.answers() == [""], "the failed turn changed nothing"


@virtual
async def test_failures_in_a_row_end_the_conversation() -> None:
    mouth = FakeMouth()
    mouth.errors.extend([SpeechError("no voice")] * MAX_FAILURES)
    async with conversation(mouth=mouth) as talk:
        assert await run_to_end(talk) == "failed"
    assert len(talk.ledgers) == MAX_FAILURES


@virtual
async def test_a_word_between_ends_the_row() -> None:
    async with greeted() as talk:
        for _ in range(3):
            for _ in range(MAX_FAILURES - 1):
                talk.session.deliver(Failed("stt", SpeechError("no ears"), talk.now))
                await asyncio.sleep(4)
            talk.say("oui")
            await asyncio.sleep(4)
        assert talk.state == "listening"


@virtual
async def test_ears_that_fail_while_we_speak_do_not_stop_the_turn() -> None:
    async with greeted() as talk:
        talk.say("oui")
        await asyncio.sleep(0.5)
        talk.session.deliver(Failed("stt", SpeechError("no ears"), talk.now))
        await asyncio.sleep(3)
    assert talk.ledgers[1]["said"] == "vous dites oui et ensuite ?"
    assert len(talk.ledgers) == 2


@virtual
async def test_a_fault_of_the_flow_fails_the_turn_and_is_recorded_by_its_name() -> None:
    async with greeted() as talk:
        talk.say("casse")
        await asyncio.sleep(4)
    assert ("stage.failed", {"stage": "turn", "error": "LookupError"}) in await talk.logged()


@virtual
async def test_a_failure_during_the_last_line_starts_nothing_new() -> None:
    class Torn(FakeMouth):
        async def _line(self, turn: Any, text: str) -> None:
            if text != "Au revoir.":
                return await super()._line(turn, text)
            self.line_s = 0.0
            await super()._line(turn, text)
            raise SpeechError("the voice broke off")

    async with greeted(mouth=Torn()) as talk:
        talk.say("adieu")
        assert await run_to_end(talk) == "completed"
    assert len(talk.ledgers) == 2


@virtual
async def test_the_next_mind_takes_over_and_the_ledger_says_so() -> None:
    async def slow(text: str, question: Question) -> Understanding:
        await asyncio.sleep(10)
        raise AssertionError

    async def broken(text: str, question: Question) -> Understanding:
        raise UnderstandingError("no model")

    async def quick(text: str, question: Question) -> Understanding:
        return Understanding(None, 0.1, "examples")

    rungs = [Rung("cloud", slow), Rung("local", broken), Rung("examples", quick)]
    async with greeted(rungs=rungs) as talk:
        talk.say("oui")
        await asyncio.sleep(5)
    assert talk.ledgers[1]["steps_down"] == [
        {"left": "cloud", "why": "late"},
        {"left": "local", "why": "understanding.unavailable"},
    ]
    # Endpointing 250 ms, then the 100 ms that transcription left and understanding's own 250.
    assert talk.ledgers[1]["marks"]["intent"] == 600.0


# The end, at every moment


@pytest.mark.parametrize("after_ms", [0, 1, 50, 100, 150, 151, 1000, 1150, 1151, 2300, 3000])
@pytest.mark.parametrize("how", ["hang up", "cancel"])
@virtual
async def test_it_ends_at_any_moment(after_ms: int, how: str) -> None:
    talk = Conversation()
    running = asyncio.create_task(talk.session.run())
    await asyncio.sleep(0)
    talk.say("oui")
    await asyncio.sleep(after_ms / 1000)
    began = talk.now
    if how == "hang up":
        assert talk.session.deliver(Hangup("caller"))
    else:
        running.cancel()
    await asyncio.wait({running})
    assert talk.now == began, "it ended at once"
    assert running.cancelled() == (how == "cancel")
    assert (await talk.logged())[-1][1] == {"reason": "caller" if how == "hang up" else "cancelled"}
    await talk.check()


@virtual
async def test_a_caller_who_is_gone_before_it_begins() -> None:
    talk = Conversation()
    assert talk.session.deliver(Hangup("caller"))
    assert await talk.session.run() == "caller"
    await talk.check()
    assert talk.mouth.spoken == []


@virtual
async def test_a_fault_of_ours_ends_it_as_one() -> None:
    class Unasked(Echo):
        def question(self, state: FlowState) -> Question:
            raise LookupError

    talk = Conversation()
    talk.session._flow = Unasked()
    with pytest.raises(ExceptionGroup):
        await talk.session.run()
    assert (await talk.logged())[-1] == ("session.closed", {"reason": "error"})
    await talk.check()


@pytest.mark.parametrize("after_ms", [0, 50, 149])
@virtual
async def test_what_was_said_before_a_hang_up_counts_unanswered(after_ms: int) -> None:
    async with greeted() as talk:
        talk.say("ne m'appelez plus")
        await asyncio.sleep(after_ms / 1000)
        talk.session.deliver(Hangup("caller"))
        assert await run_to_end(talk) == "caller"
        assert await talk.answers() == ["ne m'appelez plus"]
        assert talk.ledgers[-1]["said"] == ""


@virtual
async def test_all_that_waits_at_a_hang_up_counts() -> None:
    async with greeted() as talk:
        talk.say("non")
        talk.session.deliver(SpeechStarted(talk.now, talk.now))
        talk.say("ne m'appelez plus")
        talk.session.deliver(Hangup("caller"))
        assert await run_to_end(talk) == "caller"
        assert await talk.answers() == ["non", "ne m'appelez plus"]


@virtual
async def test_the_last_words_are_understood_but_not_waited_for_long() -> None:
    async def forget(text: str, question: Question) -> Understanding:
        await asyncio.sleep(60)
        raise AssertionError("nobody waits that long")

    async with greeted(rungs=[Rung("slow", forget)]) as talk:
        talk.say("oui")
        talk.session.deliver(Hangup("caller"))
        began = talk.now
        assert await run_to_end(talk) == "caller"
        assert talk.now - began == pytest.approx(LAST_WORDS_S)
        assert await talk.answers() == []


@virtual
async def test_a_hang_up_as_the_turn_ends() -> None:
    """Word of the turn's end finds the inbox closed."""
    talk = Conversation()
    asyncio.get_running_loop().call_later(1.15, talk.session.deliver, Hangup("caller"))
    assert await talk.session.run() == "caller"
    await talk.check()


@virtual
async def test_a_hang_up_with_everything_else_waiting() -> None:
    async with greeted() as talk:
        while talk.session.deliver(SpeechEnded(talk.now, talk.now)):
            pass
        assert talk.session.deliver(Hangup("caller"))
        assert await run_to_end(talk) == "caller"


@virtual
async def test_a_far_end_that_floods_is_told_what_it_lost() -> None:
    async with greeted() as talk:
        taken = [talk.say("flot") for _ in range(1000)]
        assert 0 < sum(taken) < 1000
        await asyncio.sleep(4)
        assert talk.state == "listening"
        assert talk.say("encore")
        await asyncio.sleep(4)
    assert (await talk.answers())[-1] == "encore"


@virtual
async def test_what_is_no_business_of_a_session_is_ignored() -> None:
    async with greeted() as talk:
        assert talk.session.deliver(Played("1.0", talk.now))
        await asyncio.sleep(0)
        assert talk.state == "listening"


# The log


@virtual
async def test_a_store_out_of_reach_is_not_noticed_by_the_caller() -> None:
    store = FlakyStore(failures=10)
    async with greeted(store=store) as talk:
        talk.say("oui")
        await asyncio.sleep(3)
        assert talk.ledgers[1]["said"]
        assert await talk.logged() == []
        talk.say("non")
        await asyncio.sleep(8)
        assert await talk.answers() == ["oui", "non"]


@virtual
async def test_a_store_that_comes_back_after_the_end() -> None:
    store = FlakyStore(failures=20)
    async with greeted(store=store) as talk:
        talk.session.deliver(Hangup("caller"))
        await run_to_end(talk)
        assert talk.now == pytest.approx(1020)


@pytest.mark.parametrize(("cancel", "patience_s"), [(False, 30), (True, 1)])
@virtual
async def test_a_store_that_stays_away_is_an_error_of_its_own(
    cancel: bool, patience_s: float
) -> None:
    talk = Conversation(store=FlakyStore(failures=float("inf")))
    running = asyncio.create_task(talk.session.run())
    await asyncio.sleep(2)
    running.cancel() if cancel else talk.session.deliver(Hangup("caller"))
    with pytest.raises(StoreError, match="check that it runs"):
        await running
    assert talk.now == pytest.approx(1002 + patience_s)


@virtual
async def test_cancelled_while_it_waits_for_the_store_it_gives_up_the_log() -> None:
    talk = Conversation(store=FlakyStore(failures=float("inf")))
    running = asyncio.create_task(talk.session.run())
    await asyncio.sleep(2)
    running.cancel()
    await asyncio.sleep(0.5)
    assert talk.state == "closed"
    running.cancel()
    await asyncio.wait({running}, timeout=0.001)
    assert running.cancelled()


@virtual
async def test_a_log_that_somebody_else_writes_to_ends_the_conversation() -> None:
    store = MemoryStore()
    talk = Conversation(store=store)
    running = asyncio.create_task(talk.session.run())
    await asyncio.sleep(1)
    await store.append("s1", 1, [StoredEvent("somebody else", 0.0)])
    with pytest.raises(VersionError, match="read it again"):
        await running
    assert talk.state == "closed"


# Whatever happens, in whatever order

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "say",
                "say nothing",
                "rien",
                "key",
                "speech",
                "cough",
                "interrupt",
                "stale",
                "signal",
                "pause",
                "resume",
                "fail",
                "mouth fails",
                "late",
                "adieu",
                "store",
            ]
        ),
        st.sampled_from([0.0, 0.01, 0.1, 0.15, 0.4, 1.0, 1.15, 3.0, 6.0, 9.0]),
    ),
    max_size=25,
)


@settings(max_examples=150)
@given(actions=ACTIONS, end=st.sampled_from(["hang up", "cancel", "let it be"]))
@virtual
async def test_every_turn_ends_and_every_step_is_in_the_table(
    actions: list[tuple[str, float]], end: str
) -> None:
    store = FlakyStore()
    talk = Conversation(store=store)
    running = asyncio.create_task(talk.session.run())
    await asyncio.sleep(0)
    for number, (action, wait_s) in enumerate(actions):
        turn = talk.session.turn
        epoch = turn.epoch if turn is not None else 0
        event: Frame | Signal | None = None
        match action:
            case "say":
                event = talk.heard(f"mot{number}")
            case "say nothing":
                event = talk.heard("")
            case "rien" | "adieu":
                event = talk.heard(action)
            case "key":
                event = Dtmf(str(number % 10), talk.now)
            case "speech":
                event = SpeechStarted(talk.now, talk.now)
            case "cough":
                event = SpeechEnded(talk.now, talk.now)
            case "interrupt":
                event = Interrupted(epoch, talk.now)
            case "stale":
                event = Interrupted(max(0, epoch - 1), talk.now)
            case "signal":
                event = Signal("noted" if number % 2 else "changed", {}, talk.now)
            case "fail":
                event = Failed("stt", SpeechError("no ears"), talk.now)
            case "pause":
                talk.session.paused()
            case "resume":
                talk.session.resumed()
            case "mouth fails":
                talk.mouth.errors.append(SpeechError("no voice"))
            case "late":
                talk.mouth.late[epoch] = "vous"
            case "store":
                store.failures += 2
        if event is not None:
            talk.session.deliver(event)
        await asyncio.sleep(wait_s)
    match end:
        case "hang up":
            talk.session.deliver(Hangup("caller"))
        case "cancel" if talk.state != "closed":
            store.failures = 0
            running.cancel()
        case _ if not running.done():
            talk.session.deliver(SpeechEnded(talk.now, talk.now))
            assert await running in ("silence", "completed", "failed")
    await asyncio.wait({running})
    assert running.cancelled() or running.result()
    await talk.check()
    # What the flow took in is what the log says; no word counts twice or out of order.
    took = [word for word in talk.session._state["took"] if word not in ("adieu", "silence")]
    assert took == await talk.answers()
    words = [word for text in took for word in text.split() if word.startswith("mot")]
    assert words == sorted(set(words), key=lambda word: int(word[3:]))


# What is begun at the likely end


class Slow:
    """A mind that takes 300 ms, and what it was asked and did not finish."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.given_up: list[str] = []

    async def __call__(self, text: str, question: Question) -> Understanding:
        self.asked.append(text)
        try:
            await asyncio.sleep(0.3)
        except asyncio.CancelledError:
            self.given_up.append(text)
            raise
        return Understanding("any", 0.8, "slow")

    def rungs(self) -> list[Rung[Understanding]]:
        async def last(text: str, question: Question) -> Understanding:
            return Understanding("any", 0.5, "last")

        return [Rung("slow", self), Rung("last", last)]


@virtual
async def test_understanding_that_was_begun_at_the_likely_end_is_taken() -> None:
    mind = Slow()
    async with greeted(rungs=mind.rungs()) as talk:
        talk.session.expect("oui")
        talk.session.expect("oui")
        await asyncio.sleep(0.2)
        talk.say("oui")
        await asyncio.sleep(3)
    turn = talk.ledgers[1]
    assert (mind.asked, mind.given_up) == (["oui"], [])
    assert turn["spans"]["understanding"] == pytest.approx(100)
    assert (turn["confidence"], turn["steps_down"]) == (0.8, [])


@virtual
async def test_who_goes_on_was_not_understood_too_soon() -> None:
    mind = Slow()
    async with greeted(rungs=mind.rungs()) as talk:
        talk.session.expect("oui")
        await asyncio.sleep(0.1)
        talk.session.expect("oui mais")
        await asyncio.sleep(0.4)
        assert talk.state == "listening"
        assert talk.session.question.step == "step 0"
        talk.say("oui mais non")
        await asyncio.sleep(3)
        assert await talk.answers() == ["oui mais non"]
    assert mind.given_up[0] == "oui"
    assert mind.asked == ["oui", "oui mais", "oui mais non"]


@virtual
async def test_what_is_expected_of_who_was_not_answered_yet_is_all_he_said() -> None:
    mind = Slow()
    async with greeted(rungs=mind.rungs()) as talk:
        talk.say("je voudrais")
        await asyncio.sleep(0.1)
        talk.session.expect("un pel")
        await asyncio.sleep(0.1)
        talk.say("un pel")
        await asyncio.sleep(3)
    assert mind.asked == ["je voudrais", "je voudrais un pel"]


@virtual
async def test_what_was_begun_ends_with_the_conversation_and_where_no_words_come() -> None:
    mind = Slow()
    async with greeted(rungs=mind.rungs()) as talk:
        talk.session.expect("oui")
        await asyncio.sleep(0.1)
        talk.say("")
        await asyncio.sleep(3)
        talk.session.expect("non")
        await asyncio.sleep(0.1)
    assert mind.given_up == ["oui", "non"]
    talk.session.expect("trop tard")
    assert mind.asked == ["oui", "non"]


@virtual
async def test_a_mind_that_is_never_late_is_not_asked_ahead() -> None:
    async with greeted() as talk:
        talk.session.expect("oui")
        talk.say("oui")
        await asyncio.sleep(3)
    assert talk.ledgers[1]["gap_ms"] == 400.0


@virtual
async def test_the_flow_is_told_what_was_said_before_and_what_of_it_was_heard() -> None:
    async with greeted() as talk:
        talk.say("oui")
        await asyncio.sleep(1.5)
        talk.session.deliver(Interrupted(2, talk.now))
        talk.say("histoire")
        await asyncio.sleep(3)
    assert "vous dites histoire" in talk.mouth.spoken
    assert talk.history[-1] == (
        ("assistant", GREETING),
        ("user", "oui"),
        ("assistant", f"vous dites oui {CUT}"),
    )


# What whoever carries the call does


@virtual
async def test_a_person_is_handed_over_once_the_line_that_says_so_is_heard() -> None:
    async with greeted() as talk:
        talk.say("passe")
        await asyncio.sleep(0.5)
        assert talk.mouth.spoken[-1] == "Je vous passe quelqu'un."
        assert Transfer("1002") not in talk.seen
        await asyncio.sleep(3)
        assert talk.seen.count(Transfer("1002")) == 1
        assert talk.state == "listening"


@virtual
async def test_nobody_is_handed_over_who_hung_up_meanwhile() -> None:
    async with greeted() as talk:
        talk.say("passe")
        await asyncio.sleep(0.5)
    assert Transfer("1002") not in talk.seen


@virtual
async def test_who_withdraws_his_consent_is_recorded_no_longer() -> None:
    """Not even while we say so."""
    async with greeted() as talk:
        talk.say("efface")
        await asyncio.sleep(0.1)
        assert Recording(on=False) in talk.seen
