"""A call in real time, against a server that follows a script."""

from __future__ import annotations

import asyncio
import time

import pytest

from engine.clock import SystemClock
from server.talk.call import CLOSE_S, Call, CallError, Passed
from server.talk.caller import Caller, HangUp
from server.talk.line import FRAME, RATE_HZ, Line, utterance
from server.talk.measures import measure
from server.talk.person import Recording, Simulated, last_sound
from server.talk.plan import Aside, Plan
from tests.server.talk.fake_server import FakeCall, fake_server

pytestmark = [pytest.mark.asyncio, pytest.mark.integration]

TONE = b"\0\x10" * 8 + b"\0\xf0" * 8  # 1 ms of 1 kHz
STEPS = {"Allô ?": "hello", "Voilà.": "told", "Au revoir.": "bye"}


def simulated(plan: Plan) -> Simulated:
    caller = Caller(plan, STEPS, frozenset({"bye"}), seed=1)
    sound = TONE * 250
    return Simulated(caller, Line(1), {text: utterance(text, sound) for text in plan.lines()})


async def test_a_call_is_answered_measured_and_hung_up() -> None:
    async def script(call: FakeCall) -> None:
        await call.say("Allô ?", 10, heard="")
        await call.listen(1.6)
        await call.tell(type="transcript", text="oui non", final=True)
        await call.say("Au revoir.", 10)
        await call.got("hangup")

    plan = Plan(voices=("fr",), answers={"hello": ("oui",)})
    passed: list[Passed] = []
    async with fake_server(script) as (url, calls):
        call = Call(url, simulated(plan), SystemClock(), watch=passed.append)
        await call.run()
    assert call.ended == HangUp("goodbye")
    assert passed == call.messages
    assert bytes(call.track).startswith(calls[0].sound[: 2 * RATE_HZ])
    assert call.far is not None
    measures = measure(call)
    assert list(measures.heard_ms) == [2]
    # The script listens for a fixed time; what the caller measured is within it.
    assert 100 < measures.heard_ms[2] < 1600
    assert (measures.words_said, measures.words_understood) == (1, 1)
    assert [turn["turn"] for turn in measures.responses()] == [2]
    assert measures.responses()[0]["heard_ms"] == round(measures.heard_ms[2], 1)


async def test_what_the_server_said_before_it_closed_is_read_though_no_answer_reaches_it() -> None:
    last_words = 20

    async def script(call: FakeCall) -> None:
        await call.tell(type="reply", turn=1, text="Allô ?")
        for turn in range(last_words):
            await call.tell(type="clear", turn=1)
            await call.tell(type="turn", turn=turn)

    async with fake_server(script) as (url, _):
        call = Call(url, Recording(TONE * 100), SystemClock())
        await call.run()
    ledgers = [one.message["turn"] for one in call.messages if one.message["type"] == "turn"]
    assert ledgers == list(range(last_words))


async def test_pause_resume_and_clear_are_measured_as_they_were_heard() -> None:
    async def script(call: FakeCall) -> None:
        await call.tell(type="reply", turn=1, text="Allô ?")
        await call.socket.send(TWO_SECONDS[: 2 * RATE_HZ])
        await call.listen(0.6)
        await call.tell(type="pause", turn=1)
        await call.got("played")
        await call.listen(0.3)
        await call.tell(type="resume", turn=1)
        await call.listen(2.5)
        await call.tell(type="reply", turn=2, text="Voilà.")
        await call.socket.send(TWO_SECONDS)
        await call.listen(0.7)
        await call.tell(type="clear", turn=2)
        await call.got("played")
        await call.tell(type="hangup", reason="completed")

    plan = Plan(
        voices=("fr",),
        answers={"hello": ("oui",), "told": ("oui",)},
        backchannel=Aside("hello", 0.3, "mm"),
        interrupt=Aside("told", 0.4, "pardon"),
    )
    async with fake_server(script) as (url, calls):
        call = Call(url, simulated(plan), SystemClock())
        await call.run()
    assert call.ended is None
    measures = measure(call)
    (backchannel,) = measures.backchannels
    assert (backchannel.turn, backchannel.paused, backchannel.resumed) == (1, True, True)
    assert backchannel.held_ms == pytest.approx(300, abs=100)
    (barge_in,) = measures.barge_ins
    assert barge_in.turn == 2
    assert barge_in.ms == pytest.approx(280, abs=120)
    played = [message["ms"] for message in calls[0].messages if message["type"] == "played"]
    assert call.far is not None
    runs = call.far.runs
    assert played[0] == pytest.approx((runs[0].end - runs[0].start) / 16, abs=0.01)
    assert played[1] == pytest.approx((runs[-1].end - runs[-1].start) / 16, abs=0.01)


TWO_SECONDS = b"\0\x20" * (2 * RATE_HZ)


async def test_a_recording_is_played_after_the_greeting() -> None:
    async def script(call: FakeCall) -> None:
        await call.say("Allô ?", 10, heard="")
        await call.listen(1.8)
        await call.say("Voilà.", 10)
        await call.got("hangup")

    pcm = TONE * 250
    async with fake_server(script) as (url, calls):
        call = Call(url, Recording(pcm), SystemClock())
        await call.run()
    assert call.ended == HangUp("the recording is over")
    assert pcm in bytes(calls[0].sound)
    assert list(measure(call).heard_ms) == [2]


async def test_an_engine_that_does_not_answer_a_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.talk.person.NO_ANSWER_S", 0.3)

    async def script(call: FakeCall) -> None:
        await call.got("hangup")

    async with fake_server(script) as (url, _):
        call = Call(url, Recording(bytes(640)), SystemClock())
        await call.run()
    assert call.ended == HangUp("the engine did not answer", answered=False)


async def test_no_server_and_one_that_refuses() -> None:
    person = Recording(b"")
    async with fake_server(lambda call: call.listen(0)) as (url, _):
        pass
    with pytest.raises(CallError, match="start a server with `palabre serve`"):
        await Call(url, person, SystemClock()).run()
    async with fake_server(lambda call: call.listen(0), refuse=503) as (url, _):
        with pytest.raises(CallError, match="503: full; call again later"):
            await Call(url, person, SystemClock()).run()


async def test_a_server_that_vanishes_and_one_that_says_why() -> None:
    async def vanish(call: FakeCall) -> None:
        call.socket.transport.abort()

    async def explain(call: FakeCall) -> None:
        await call.tell(type="error", code="server.error", message="broken", fatal=True)
        await call.socket.close(1011)

    async with fake_server(vanish) as (url, _):
        with pytest.raises(CallError, match="went away"):
            await Call(url, Recording(b""), SystemClock()).run()
    async with fake_server(explain) as (url, _):
        with pytest.raises(CallError, match=r"server\.error: broken"):
            await Call(url, Recording(b""), SystemClock()).run()


async def test_cancelling_hangs_up_and_keeps_what_was_heard() -> None:
    async with fake_server(lambda call: call.say("Allô ?", 100)) as (url, _):
        call = Call(url, Recording(b""), SystemClock())
        task = asyncio.create_task(call.run())
        await asyncio.sleep(0.5)
        task.cancel()
        began = time.monotonic()
        await asyncio.wait({task})
        assert time.monotonic() - began < CLOSE_S + 0.5
        assert task.cancelled()
    assert call.far is not None
    assert len(call.far.track()) > 2 * FRAME


async def test_the_last_sound_of_somebody_unknown_is_found() -> None:
    line = Line(1)
    quiet = b"".join(line.frame() for _ in range(50))
    line.say(utterance("x", TONE * 1000))
    loud = b"".join(line.frame() for _ in range(20))
    track = quiet + loud
    assert last_sound(track, len(track) // 2) == len(track) // 2 - 1
    assert last_sound(quiet[: 2 * FRAME * 40], FRAME * 40) is None
    assert last_sound(b"", 0) is None
