"""Conversations in writing, in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from engine.budget import Mark
from engine.channel import Capabilities, Receiver
from engine.clock import LoopClock
from engine.flow import (
    Effect,
    Event,
    Flow,
    FlowState,
    Question,
    Signal,
    Silent,
    Started,
    Understanding,
)
from engine.frames import (
    Delta,
    Dtmf,
    Frame,
    Hangup,
    Heard,
    Ledger,
    Played,
    Say,
    SpeechStarted,
    StateChanged,
    Think,
)
from engine.frames import Mark as Checkpoint
from engine.ladder import Ladder, Rung
from engine.link import Link
from engine.stage import Outlet
from engine.store import MemoryStore
from engine.turn import Turn
from pipelines.text import TextConversation, TextEars, TextMouth
from tests.virtual import virtual


class Messages:
    """A text channel: keeps what is sent, returns marks after `receipt_s`."""

    def __init__(self, max_chars: int = 0, receipt_s: float | None = None) -> None:
        self.capabilities = Capabilities(max_chars=max_chars, mark=receipt_s is not None)
        self.sent: list[str] = []
        self.ledgers: list[dict[str, object]] = []
        self.states: list[str] = []
        self.closed = ""
        self._receipt_s = receipt_s
        self._receiver: Receiver = lambda frame: None

    def attach(self, receiver: Receiver) -> None:
        self._receiver = receiver

    def send(self, frame: Frame) -> None:
        match frame:
            case Say(text=text):
                self.sent.append(text)
            case Checkpoint(name=name) if self._receipt_s is not None:
                loop = asyncio.get_running_loop()
                loop.call_later(
                    self._receipt_s, lambda: self._receiver(Played(name, LoopClock().now()))
                )
            case Ledger(turn=turn):
                self.ledgers.append(turn)
            case StateChanged(state=state):
                self.states.append(state)
            case _:
                pass

    def close(self, reason: str) -> None:
        self.closed = reason

    def write(self, text: str) -> None:
        now = LoopClock().now()
        self._receiver(Heard(text, now, now, now))

    def hang_up(self) -> None:
        self._receiver(Hangup("caller"))


class Echo:
    """Says what it heard; says goodbye to silence."""

    def start(self) -> FlowState:
        return {"v": 1}

    def step(self, state: FlowState, event: Event) -> tuple[FlowState, tuple[Effect, ...]]:
        match event:
            case Started():
                return state, (Say("Hello."), Say("Well?", question=True))
            case Silent():
                return state, (Say("Goodbye."), Hangup("silence"))
            case Dtmf(digit=digit):
                return state, (Say(f"Key {digit}."),)
            case Signal():
                return state, ()
            case _:
                return state, (Say(f"You said {event.text}."),)

    def question(self, state: FlowState) -> Question:
        return Question("any", ("any",))


def conversation(
    channel: Messages, flow: Flow | None = None, *, thinks_s: float = 0.0
) -> TextConversation:
    async def understand(text: str, question: Question) -> Understanding:
        await asyncio.sleep(thinks_s)
        return Understanding("any", 1.0, "test")

    clock = LoopClock()
    minds = Ladder([Rung("test", understand)], clock)
    return TextConversation("s", channel, flow or Echo(), minds, MemoryStore(), clock)


async def held(
    channel: Messages, script: Callable[[], Awaitable[None]], *, thinks_s: float = 0.0
) -> str:
    """The reason of the end of a conversation during which `script` happens."""
    talk = conversation(channel, thinks_s=thinks_s)
    running = asyncio.create_task(talk.run())
    await asyncio.sleep(0.01)
    await script()
    return await running


@virtual
async def test_quick_messages_are_one_turn_and_slow_ones_two() -> None:
    channel = Messages()

    async def script() -> None:
        for text in ("a", " b ", "c"):
            channel.write("  ")
            channel.write(text)
            await asyncio.sleep(1.4)
        await asyncio.sleep(2)
        channel.write("d")
        await asyncio.sleep(1.6)
        channel.hang_up()

    assert await held(channel, script) == "caller"
    assert channel.sent == ["Hello. Well?", "You said a b c.", "You said d."]
    assert channel.closed == "caller"


@virtual
async def test_one_who_never_pauses_is_answered_nevertheless() -> None:
    channel = Messages()

    async def script() -> None:
        for _ in range(12):
            channel.write("a")
            await asyncio.sleep(0.9)
        channel.hang_up()

    await held(channel, script)
    assert channel.sent[1] == "You said" + 12 * " a" + "."


@virtual
async def test_a_message_before_the_reply_cancels_it_and_both_are_answered() -> None:
    channel = Messages()

    async def script() -> None:
        channel.write("one")
        await asyncio.sleep(2.5)  # a second into the thinking
        channel.write("two")
        await asyncio.sleep(5)
        channel.hang_up()

    await held(channel, script, thinks_s=2.0)
    assert channel.sent == ["Hello. Well?", "You said one two."]
    assert [turn["interrupted"] for turn in channel.ledgers] == [False, True, False]


@virtual
async def test_the_ledger_counts_seconds_within_the_budget() -> None:
    channel = Messages()

    async def script() -> None:
        channel.write("one")
        await asyncio.sleep(3)
        channel.hang_up()

    await held(channel, script, thinks_s=1.0)
    turn = channel.ledgers[1]
    assert (turn["gap_ms"], turn["over"]) == (2500.0, {})
    assert turn["said"] == "You said one."


@virtual
async def test_silence_comes_to_an_end_and_a_key_is_answered_at_once() -> None:
    channel = Messages()
    talk = conversation(channel)
    running = asyncio.create_task(talk.run())
    await asyncio.sleep(0.01)
    channel.write("one")
    talk.receive(Dtmf("5", LoopClock().now()))
    assert await running == "silence"
    assert channel.sent == ["Hello. Well?", "Key 5.", "Goodbye."]


@virtual
async def test_cancelling_it_closes_the_channel() -> None:
    channel = Messages()
    running = asyncio.create_task(conversation(channel).run())
    await asyncio.sleep(0.01)
    channel.write("one")
    running.cancel()
    await asyncio.wait({running})
    assert (running.cancelled(), channel.closed) == (True, "cancelled")


@virtual
async def test_a_fault_of_ours_closes_it_as_one() -> None:
    class Unasked(Echo):
        def question(self, state: FlowState) -> Question:
            raise LookupError

    channel = Messages()
    with pytest.raises(ExceptionGroup):
        await conversation(channel, Unasked()).run()
    assert channel.closed == "error"


# The ears alone


@virtual
async def test_what_is_said_last_is_when_speech_ended() -> None:
    frames: list[Frame] = []

    def taken(frame: Frame) -> bool:
        frames.append(frame)
        return True

    ears = TextEars(taken, LoopClock(), quiet_s=1.0)
    for text in ("a", "b"):
        now = LoopClock().now()
        ears.receive(Heard(text, now, now, now))
        await asyncio.sleep(0.5)
    await asyncio.sleep(1)
    ears.receive(Played("1.1", LoopClock().now()))
    assert frames == [SpeechStarted(1000.0, 1000.0), Heard("a b", 1000.5, 1001.5, 1001.5)]


# The mouth alone


async def reply(*lines: Say | Think) -> AsyncIterator[Say | Think]:
    for line in lines:
        yield line


@virtual
async def test_a_reply_is_cut_to_the_channels_limit() -> None:
    channel = Messages(max_chars=12)
    turn = Turn(1)
    await TextMouth(channel, LoopClock()).speak(turn, reply(Say("One two."), Say("Three four?")))
    assert channel.sent == ["One two.", "Three four?"]
    assert turn.said == "One two. Three four?"
    assert set(turn.marks) == {Mark.FIRST_SENTENCE, Mark.FIRST_AUDIO, Mark.FIRST_PLAYED}


@virtual
async def test_what_is_acknowledged_is_what_was_said() -> None:
    channel = Messages(max_chars=12, receipt_s=2.0)
    mouth = TextMouth(channel, LoopClock())

    def receive(frame: Frame) -> None:
        assert isinstance(frame, Played)
        mouth.acknowledge(frame)

    channel.attach(receive)
    turn = Turn(1)
    speaking = asyncio.create_task(mouth.speak(turn, reply(Say("One two. Three four?"))))
    await asyncio.sleep(1.9)
    assert (turn.said, speaking.done()) == ("", False)
    await speaking
    assert turn.said == "One two. Three four?"
    assert turn.marks[Mark.FIRST_PLAYED] == 1002.0
    mouth.acknowledge(Played("1.1", 1003.0))
    assert turn.said == "One two. Three four?"


@virtual
async def test_a_receipt_that_never_comes_is_not_waited_for() -> None:
    channel = Messages(receipt_s=1e5)
    turn = Turn(1)
    await TextMouth(channel, LoopClock()).speak(turn, reply(Say("One.")))
    assert LoopClock().now() == 1010.0
    assert (channel.sent, turn.said) == (["One."], "")


class Writer:
    """Writes two pieces for every Think."""

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        async for frame in inbox:
            if isinstance(frame, Think):
                await outbox.put(Delta(" Half a"))
                await outbox.put(Delta(" line."))
            else:
                await outbox.put(frame)


@virtual
async def test_what_a_language_model_writes_is_part_of_the_reply() -> None:
    channel = Messages()
    think = Think((), "Fallback.")
    mouth = TextMouth(channel, LoopClock(), lambda: (Writer(),))
    await mouth.speak(Turn(1), reply(Say("One."), think))
    await TextMouth(channel, LoopClock()).speak(Turn(2), reply(think))
    await TextMouth(channel, LoopClock()).speak(Turn(3), reply())
    assert channel.sent == ["One. Half a line.", "Fallback."]
