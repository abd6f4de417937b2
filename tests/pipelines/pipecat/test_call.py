"""A turn through three services of pipecat: what was heard, the reply, its sentences, its sound."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from engine.budget import Mark
from engine.clock import SystemClock
from engine.flow import Event, FlowState, Question, Started, Understanding, Understood
from engine.frames import Audio, Frame, Hangup, Heard, Interrupted, Say, Think, Transcript
from engine.ladder import Ladder, Rung, StepDown
from engine.mouth import Reply
from engine.pipeline import Pipeline
from engine.session import Session
from engine.store import MemoryStore
from engine.turn import Turn
from pipelines.mind.think import Thinking
from pipelines.pipecat.llm import PipecatLLM
from pipelines.pipecat.stt import PipecatSTT
from pipelines.pipecat.tts import PipecatTTS
from pipelines.speech.sentences import Sentences
from tests.pipelines.pipecat.hosted import (
    PIPECAT,
    deepgram_stt,
    deepgram_tts,
    eventually,
    openai_llm,
    running,
    utterance,
)
from tests.pipelines.speech.harness import sound
from tests.wires.deepgram import Deepgram, tone
from tests.wires.openai import OpenAI

pytestmark = PIPECAT

CLOCK = SystemClock()


class Talk:
    """A flow that lets the language model answer whatever is said."""

    def start(self) -> FlowState:
        return {"v": 1, "said": []}

    def question(self, state: FlowState) -> Question:
        return Question("talk")

    def step(self, state: FlowState, event: Event) -> tuple[FlowState, tuple[Say | Think, ...]]:
        match event:
            case Started():
                return state, (Say("Bonjour !", question=True),)
            case Understood(text=text):
                said = [*state["said"], text]
                messages = (("system", "Sois bref."), *(("user", line) for line in said))
                return {**state, "said": said}, (Think(messages, "Je vous rappelle."),)
            case _:
                return state, ()


class Mouth:
    """Speaks through the stages; whatever is made counts as heard."""

    def __init__(self, llm: PipecatLLM, tts: PipecatTTS) -> None:
        self.frames: dict[int, list[Frame]] = {}
        self.steps: list[StepDown] = []
        self._thinking = Thinking(llm, CLOCK, 2.0, 4.0, on_step=self.steps.append)
        self._tts = tts

    async def speak(self, turn: Turn, reply: Reply) -> None:
        frames = self.frames[turn.epoch] = []

        def put(frame: Frame) -> None:
            frames.append(frame)
            if isinstance(frame, Audio):
                turn.mark(Mark.FIRST_AUDIO, CLOCK.now())
                turn.mark(Mark.FIRST_PLAYED, CLOCK.now())

        pipeline = Pipeline([self._thinking, Sentences(), self._tts], put)
        await pipeline.run(reply)
        for frame in frames:
            if isinstance(frame, Say):
                turn.say(frame.text)

    def reached(self, turn: Turn) -> None:
        pass

    def said(self, epoch: int) -> list[str]:
        return [frame.text for frame in self.frames.get(epoch, []) if isinstance(frame, Say)]


async def never(*_: object) -> Understanding:
    return Understanding(None, 0.0, "none")


async def recognise(deepgram: Deepgram) -> AsyncGenerator[Heard, None]:
    """One recogniser for the call: each utterance, as it was heard."""
    async with running(PipecatSTT(deepgram_stt(deepgram), CLOCK)) as ears:
        while True:
            began = CLOCK.now()
            ears.outbox.frames.clear()
            for frame in utterance(at=began, seconds=0.4):
                ears.inbox.offer(frame)
            await eventually(lambda: any(t.final for t in ears.of(Transcript)))
            end = began + 0.4
            text = ears.of(Transcript)[-1].text
            yield Heard(text, end, end + 0.25, max(CLOCK.now(), end + 0.25))


async def test_a_conversation_through_three_services() -> None:
    async with (
        Deepgram(["bonjour", "attendez", "merci"]) as deepgram,
        OpenAI(["Je ", "m'appelle Awa. ", "Et vous ?"]) as openai,
        PipecatLLM(openai_llm(openai)) as llm,
        PipecatTTS(deepgram_tts(deepgram)) as tts,
    ):
        mouth = Mouth(llm, tts)
        session = Session(
            "s",
            Talk(),
            Ladder([Rung("none", never)], CLOCK),
            mouth,
            MemoryStore(),
            CLOCK,
        )
        caller = recognise(deepgram)
        async with running(_Actor(session)) as call:
            await eventually(lambda: session.turn is None and mouth.said(1) == ["Bonjour !"])

            session.deliver(await anext(caller))
            await eventually(lambda: session.turn is None and len(mouth.said(2)) == 2)
            assert mouth.said(2) == ["Je m'appelle Awa.", "Et vous ?"]
            assert sound(mouth.frames[2]) == tone("Je m'appelle Awa.", 16000) + tone(
                "Et vous ?", 16000
            )

            deepgram.delay_s = 0.05  # interrupted while it speaks
            openai.pieces = ["Voici une très longue réponse à votre question."]
            session.deliver(await anext(caller))
            await eventually(lambda: any(isinstance(f, Audio) for f in mouth.frames.get(3, [])))
            session.deliver(Interrupted(3, CLOCK.now()))
            await eventually(lambda: session.turn is None)
            interrupted = len(mouth.frames[3])

            deepgram.delay_s = 0.0
            openai.pieces = ["De rien."]
            session.deliver(await anext(caller))
            await eventually(lambda: session.turn is None and mouth.said(4) == ["De rien."])
            assert sound(mouth.frames[4]) == tone("De rien.", 16000)
            assert len(mouth.frames[3]) == interrupted

            session.deliver(Hangup("caller"))
            await call.finish()
        await caller.aclose()
        assert mouth.steps == []
    listened = [c for c in deepgram.connections if c.path == "/v1/listen"]
    assert len(listened) == 1
    assert [r.body["messages"][-1]["content"] for r in openai.requests] == [
        "bonjour",
        "attendez",
        "merci",
    ]


class _Actor:
    """A session, run as a stage is."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def run(self, inbox: object, outbox: object) -> None:
        await self._session.run()
