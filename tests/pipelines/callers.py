"""A caller for tests in virtual time: a channel, ears that hear what a script says, and a mouth."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from engine.channel import Capabilities
from engine.clock import LoopClock
from engine.flow import Effect, Event, FlowState, Question, Started, Understanding, Understood
from engine.frames import Audio, Frame, Ledger, Say, SpeechEnded, StateChanged, Transcript
from engine.ladder import Ladder, Rung
from engine.link import Link
from engine.mouth import Mouth
from engine.session import Session
from engine.stage import Outlet
from engine.store import MemoryStore
from pipelines.audio.ticker import Ticker
from pipelines.turns.barge_in import BargeIn
from pipelines.turns.gate import SpeechGate
from pipelines.voice import Speech, VoiceCall
from tests.fakes import FakeAudioChannel

__all__ = ["SILENCE", "TONE", "VOICE", "Caller", "EnergyVad", "Lines", "ScriptedSTT", "ToneTTS"]

SILENCE = bytes(640)
VOICE = b"\x00\x10\x00\xf0" * 160
"""20 ms of a loud square wave."""
TONE = (b"\x00\x10" * 8 + b"\x00\xf0" * 8) * 20
"""20 ms of another, which is ours: who sounds as we do is our echo."""


class EnergyVad:
    """Takes anything but silence for speech."""

    def is_speech(self, frame: bytes) -> bool:
        return frame != SILENCE


class ScriptedSTT:
    """Recognises the next of `texts` in each utterance; a word every 200 ms as it is spoken."""

    def __init__(self, texts: list[str], delay_s: float = 0.02) -> None:
        self._texts = texts
        self._delay_s = delay_s

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        heard_s, shown = 0.0, 0
        async for frame in inbox:
            match frame:
                case Audio():
                    heard_s += frame.duration_s
                    words = (self._texts[0] if self._texts else "").split()
                    count = min(len(words), int((heard_s - 0.3) / 0.2))
                    if count > shown:
                        shown = count
                        await outbox.put(Transcript(" ".join(words[:count]), False, frame.at))
                case SpeechEnded(decided_at=at):
                    await asyncio.sleep(self._delay_s)
                    text = self._texts.pop(0) if self._texts else ""
                    heard_s, shown = 0.0, 0
                    await outbox.put(Transcript(text, True, at))
                case _:
                    pass


class ToneTTS:
    """Speaks 60 ms per character, synthesised ten times faster than that."""

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        async for frame in inbox:
            await outbox.put(frame)
            if isinstance(frame, Say):
                for index in range(len(frame.text)):
                    await asyncio.sleep(0.006)
                    await outbox.put(Audio(TONE * 3, 16000, index * 0.06))


class Lines:
    """A flow that greets, then answers everything by ``réponse`` and what it understood."""

    def __init__(
        self,
        greeting: str = "Bonjour !",
        barge_in: str = "polite",
        phrases: tuple[str, ...] = (),
    ) -> None:
        self.greeting = greeting
        self.barge_in = barge_in
        self.phrases = phrases

    def start(self) -> FlowState:
        return {"v": 1, "n": 0}

    def step(self, state: FlowState, event: Event) -> tuple[FlowState, tuple[Effect, ...]]:
        state = {**state, "n": state["n"] + 1}
        match event:
            case Started():
                return state, (Say(self.greeting),)
            case Understood(text=text):
                return state, (Say(f"réponse {state['n']} {text}".strip()),)
            case _:
                return state, (Say("vous êtes là ?"),)

    def question(self, state: FlowState) -> Question:
        return Question("q", ("any",), self.barge_in, self.phrases)


class Caller:
    """One call under test: `say`, `quiet`, and what came back."""

    def __init__(
        self,
        *texts: str,
        flow: Lines | None = None,
        capabilities: Capabilities | None = None,
        stt_delay_s: float = 0.02,
        speech: Speech | None = None,
    ) -> None:
        clock = LoopClock()
        self.texts = list(texts)
        self.channel = FakeAudioChannel(capabilities)
        self.ticker = Ticker(clock)
        self.store = MemoryStore()

        async def understand(text: str, question: Question) -> Understanding:
            return Understanding("any", 1.0, "test")

        def converse(mouth: Mouth) -> Session:
            minds = Ladder([Rung("test", understand)], clock)
            lines = flow or Lines()
            return Session("s", lines, minds, mouth, self.store, clock, watch=self.channel.send)

        self.call = VoiceCall(
            self.channel,
            speech
            or Speech(
                lambda: SpeechGate(EnergyVad()),
                lambda: ScriptedSTT(self.texts, stt_delay_s),
                lambda: (ToneTTS(),),
            ),
            converse,
            BargeIn.of(["mm", "oui", "d'accord"], ["stop", "attendez"]),
            clock,
            self.ticker,
        )
        self._task: asyncio.Task[str] | None = None

    async def __aenter__(self) -> Caller:
        self._task = asyncio.create_task(self.call.run())
        await asyncio.sleep(0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled():
            self._task.result()

    @property
    def task(self) -> asyncio.Task[str]:
        assert self._task is not None
        return self._task

    async def say(self, seconds: float, then_quiet: float = 0.0) -> None:
        """Speak in real time, then be silent (sending silence)."""
        await self._send(VOICE, seconds)
        await self._send(SILENCE, then_quiet)

    async def quiet(self, seconds: float) -> None:
        await self._send(SILENCE, seconds)

    async def _send(self, frame: bytes, seconds: float) -> None:
        clock = LoopClock()
        for _ in range(round(seconds / 0.02)):
            await asyncio.sleep(0.02)
            self.channel.deliver(Audio(frame, 16000, clock.now() - 0.02))

    @property
    def state(self) -> str:
        return str(self.call.session.machine.state)

    def ledgers(self) -> list[dict[str, object]]:
        return [frame.turn for frame in self.channel.sent if isinstance(frame, Ledger)]

    def states(self) -> list[str]:
        return [frame.state for frame in self.channel.sent if isinstance(frame, StateChanged)]

    def finals(self) -> list[str]:
        return [f.text for f in self.channel.sent if isinstance(f, Transcript) and f.final]

    def replies(self) -> Sequence[str]:
        return [frame.text for frame in self.channel.sent if isinstance(frame, Say)]
