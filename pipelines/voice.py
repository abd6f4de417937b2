"""A call: ears as long as the call, a mouth as long as a turn.

    sound -> resample -> gate -> recogniser -> words -> session -> lines -> speech -> playout

The ears run on the media plane by direct call up to the recogniser. Who may speak is decided by
`turns.floor`; docs/turns.md says how.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.channel import AudioChannel
from engine.clock import Clock
from engine.frames import Audio, Cleared, Dtmf, Expected, Frame, Hangup, Played, SpeechStarted
from engine.mouth import Mouth
from engine.session import Session
from engine.stage import Service, Stage, fuse
from pipelines.audio.echo_canceller import EchoCanceller
from pipelines.audio.resample import RATE_HZ, Resample
from pipelines.audio.ticker import Ticker
from pipelines.mouth import VoiceMouth
from pipelines.recognition import Recognition
from pipelines.speech.fillers import Fillers
from pipelines.turns.barge_in import BargeIn
from pipelines.turns.floor import Floor
from pipelines.turns.gate import SpeechGate
from pipelines.turns.overlap import Early

__all__ = ["Speech", "VoiceCall"]

LAST_WORDS_S = 1.0
"""How long what was said before a hang-up may take to be recognised."""


@dataclass(frozen=True, slots=True)
class Speech:
    """The parts that a call hears and speaks with: each call makes its own stages from them."""

    gate: Callable[[], SpeechGate]
    stt: Callable[[], Service]
    mouth: Callable[[], Sequence[Stage]]
    """The stages of a reply, from Think and Say to Audio."""
    notice: str = ""
    """What whoever reads a transcript should know about the recogniser."""
    language: str = ""
    """ISO 639-1: tells where a phrase breaks off."""
    fillers: Callable[[str], Fillers] | None = None
    """What is said while an answer is late, for the session of that id."""
    early: Early | None = None
    """Recognises the beginning of what is said over us; without it, words decide, and later."""


class VoiceCall:
    """One call on `channel`: run it once.

    `converse` makes the session that answers through the mouth it is given.
    """

    def __init__(
        self,
        channel: AudioChannel,
        speech: Speech,
        converse: Callable[[Mouth], Session],
        barge_in: BargeIn,
        clock: Clock,
        ticker: Ticker,
    ) -> None:
        self.notice = speech.notice
        self._channel = channel
        self._clock = clock
        self._ticker = ticker
        self._mouth = VoiceMouth(channel, speech.mouth, clock, ticker)
        self.session = converse(self._mouth)
        self._fillers = speech.fillers
        self._gate = speech.gate()
        rate_hz = channel.capabilities.rate_hz
        canceller = EchoCanceller(
            rate_hz, self._mouth.played, self._mouth.echo_delay, lambda: self._gate.noise
        )
        resample = [] if rate_hz == RATE_HZ else [Resample()]
        self._hear = fuse([canceller, *resample, self._gate])
        self._recognition = Recognition(speech.stt, self._transcribed, self._lost)
        self._floor = Floor(
            self.session,
            self._mouth,
            self._gate,
            barge_in,
            clock,
            show=channel.send,
            give_up=self._recognition.give_up,
            early=speech.early,
            language=speech.language,
        )
        self._hangup: Hangup | None = None
        self._hangup_by = 0.0

    # The media plane

    def receive(self, frame: Frame) -> None:
        """Take what the channel brings in. Never waits."""
        match frame:
            case Audio():
                for heard in self._hear(frame):
                    self._listened(heard)
            case Played() | Cleared():
                self._mouth.acknowledge(frame)
            case Dtmf():
                self._floor.answered_otherwise()
                self.session.deliver(frame)
            case Hangup():
                self._hung_up(frame)
            case _:
                pass

    def tick(self, now: float) -> None:
        """Every 20 ms from the beginning of speech to its answer: notice what does not happen."""
        for frame in self._gate.idle(now):
            self._listened(frame)
        self._floor.tick(now)
        if self._floor.wordless(now):
            self._floor.dismissed()
            for frame in self._gate.dismiss(now):
                self._listened(frame)
        if self._hangup is not None:
            self._end_when_quiet(now)
        elif self._floor.idle and not self._gate.speaking:
            self._ticker.remove(self)

    def _hung_up(self, hangup: Hangup) -> None:
        """The far end is gone. What was said last is still recognised, then the session ends."""
        now = self._clock.now()
        self._floor.silence()
        for frame in self._gate.finish(now):
            self._listened(frame)
        self._floor.conclude()
        self._hangup = hangup
        self._hangup_by = now + LAST_WORDS_S
        self._ticker.add(self, self.tick)
        self._end_when_quiet(now)

    def _end_when_quiet(self, now: float) -> None:
        if self._hangup is not None and (not self._floor.awaiting or now >= self._hangup_by):
            self._floor.conclude()
            self.session.deliver(self._hangup)

    # The call

    async def run(self) -> str:
        """Hold the call to its end; the reason is returned. Cancelling ends it at once."""
        listening = asyncio.create_task(self._recognition.run(), name="ears")
        self._channel.attach(self.receive)
        self._mouth.start(self._fillers and self._fillers(self.session.id))
        try:
            return await self.session.run()
        finally:
            self._mouth.stop()
            self._ticker.remove(self)
            listening.cancel()
            await asyncio.wait({listening})
            self._mouth.clear(self._mouth.epoch or 0)

    def _listened(self, frame: Frame) -> None:
        """What the gate lets through goes to the floor, then to the recogniser."""
        if isinstance(frame, SpeechStarted):
            self._ticker.add(self, self.tick)
            if phrases := self._floor.expected:
                self._recognition.feed(Expected(phrases))
        self._floor.listened(frame)
        self._recognition.feed(frame)

    def _transcribed(self, frame: Frame) -> None:
        self._floor.transcribed(frame)
        self._end_when_quiet(self._clock.now())

    def _lost(self, error: Exception) -> None:
        self._floor.lost(error)
        self._end_when_quiet(self._clock.now())
