"""A call: ears as long as the call, a mouth as long as a turn, and who may speak when.

    sound -> resample -> gate -> recogniser -> words -> session -> lines -> speech -> playout

The ears run on the media plane by direct call up to the recogniser. Speech over our own sound
holds the playout at once; what was said decides whether it goes on (`turns.barge_in`).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.channel import AudioChannel
from engine.clock import Clock
from engine.errors import SpeechError
from engine.frames import (
    Audio,
    Cleared,
    Dtmf,
    Expected,
    Failed,
    Frame,
    Hangup,
    Heard,
    Interrupted,
    Played,
    SpeechEnded,
    SpeechStarted,
    Transcript,
)
from engine.mouth import Mouth
from engine.pipeline import Pipeline
from engine.session import Session
from engine.stage import Service, Stage, fuse
from pipelines.audio.resample import RATE_HZ, Resample
from pipelines.audio.ticker import Ticker
from pipelines.mouth import VoiceMouth
from pipelines.turns.barge_in import BargeIn, Decision
from pipelines.turns.gate import SpeechGate

__all__ = ["Speech", "VoiceCall"]

FINAL_PATIENCE_S = 3.0
"""How long after the endpoint the recogniser may take before it counts as stuck. The slowest cloud
recogniser measured needs a tenth of it."""

LAST_WORDS_S = 1.0
"""How long what was said before a hang-up may take to be recognised."""

RESTART_S = 0.1
"""Pause before a failed recogniser's successor listens: a broken one must not spin."""

NOISE_S = 0.6
"""Speech shorter than this in which no word was recognised was no speech: nobody is asked to
repeat a cough."""


@dataclass(frozen=True, slots=True)
class Speech:
    """The parts that a call hears and speaks with: each call makes its own stages from them."""

    gate: Callable[[], SpeechGate]
    stt: Callable[[], Service]
    mouth: Callable[[], Sequence[Stage]]
    """The stages of a reply, from Think and Say to Audio."""
    notice: str = ""
    """What whoever reads a transcript should know about the recogniser."""


@dataclass(slots=True)
class _Utterance:
    """What the user is saying, or has just said."""

    started_at: float
    over: int | None = None
    """The turn of ours that it is spoken over."""
    ended: SpeechEnded | None = None


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
        self._speech = speech
        self._clock = clock
        self._ticker = ticker
        self._barge_in = barge_in
        self._mouth = VoiceMouth(channel, speech.mouth, clock, ticker)
        self.session = converse(self._mouth)
        self._gate = speech.gate()
        native = channel.capabilities.rate_hz == RATE_HZ
        self._hear = fuse([self._gate] if native else [Resample(), self._gate])
        self._recogniser = Pipeline([speech.stt()], self._transcribed)
        self._utterance: _Utterance | None = None
        self._awaiting: deque[_Utterance] = deque()
        self._hangup: Hangup | None = None
        self._hangup_by = 0.0
        self._stuck: asyncio.Future[None]

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
                self._silence_mouth()
                self.session.deliver(frame)
            case Hangup():
                self._hung_up(frame)
            case _:
                pass

    def tick(self, now: float) -> None:
        """Every 20 ms from the beginning of speech to its transcript: notice what does not
        happen."""
        if self._gate.speaking:
            for frame in self._gate.idle(now):
                self._listened(frame)
            self._notice_long_speech(now)
        elif not self._awaiting and self._hangup is None:
            self._ticker.remove(self)
        if self._awaiting:
            ended = self._awaiting[0].ended
            if ended is not None and now > ended.decided_at + FINAL_PATIENCE_S:
                self._give_up()
        if self._hangup is not None:
            self._end_when_quiet(now)

    def _notice_long_speech(self, now: float) -> None:
        utterance = self._utterance
        if utterance is not None and utterance.over is not None:
            self._decide(utterance, self._barge_in.lasted(now - utterance.started_at))

    def _hung_up(self, hangup: Hangup) -> None:
        """The far end is gone. What was said last is still recognised, then the session ends."""
        now = self._clock.now()
        self._silence_mouth()
        for frame in self._gate.finish(now):
            self._listened(frame)
        self._hangup = hangup
        self._hangup_by = now + LAST_WORDS_S
        self._ticker.add(self, self.tick)
        self._end_when_quiet(now)

    def _end_when_quiet(self, now: float) -> None:
        if self._hangup is not None and (not self._awaiting or now >= self._hangup_by):
            self.session.deliver(self._hangup)

    # The call

    async def run(self) -> str:
        """Hold the call to its end; the reason is returned. Cancelling ends it at once."""
        self._stuck = asyncio.get_running_loop().create_future()
        self._channel.attach(self.receive)
        listening = asyncio.create_task(self._listen(), name="ears")
        try:
            return await self.session.run()
        finally:
            self._ticker.remove(self)
            listening.cancel()
            await asyncio.wait({listening})
            self._mouth.clear(self._mouth.epoch or 0)

    def _listened(self, frame: Frame) -> None:
        """What the gate lets through goes to the recogniser; we see speech begin and end."""
        if isinstance(frame, SpeechStarted | SpeechEnded):
            self._spoken(frame)
        if isinstance(frame, SpeechStarted):
            self._expect()
        if not self._recogniser.feed(frame):
            self._give_up()

    def _expect(self) -> None:
        """Tell the recogniser what the question leads to expect; without it, it hears all."""
        phrases = self.session.question.phrases
        if phrases:
            self._recogniser.feed(Expected(phrases))

    def _give_up(self) -> None:
        """The recogniser is stuck: have it replaced."""
        if not self._stuck.done():
            self._stuck.set_result(None)

    async def _listen(self) -> None:
        """Run the recogniser for as long as the call lasts; a new one takes the place of one that
        fails or is stuck, and what it was to recognise is lost."""
        while True:
            running = asyncio.create_task(self._recogniser.run(), name="recogniser")
            try:
                await asyncio.wait({running, self._stuck}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                running.cancel()
                await asyncio.wait({running})
            error = None if running.cancelled() else running.exception()
            if not isinstance(error, Exception):
                error = SpeechError("the recogniser gave no result in time; a new one was started")
            self._stuck = asyncio.get_running_loop().create_future()
            self._awaiting.clear()
            self._utterance = None
            self._resume()
            self._recogniser = Pipeline([self._speech.stt()], self._transcribed)
            self.session.deliver(Failed("stt", error, self._clock.now()))
            await asyncio.sleep(RESTART_S)

    # Turn-taking

    def _spoken(self, frame: SpeechStarted | SpeechEnded) -> None:
        """Speech began or ended."""
        match frame:
            case SpeechStarted(at=at):
                self._speech_started(at)
            case SpeechEnded():
                utterance, self._utterance = self._utterance, None
                if utterance is not None:
                    utterance.ended = frame
                    self._awaiting.append(utterance)

    def _speech_started(self, at: float) -> None:
        self._ticker.add(self, self.tick)
        policy = self.session.question.barge_in
        utterance = _Utterance(at, self._mouth.epoch)
        self._utterance = utterance
        if utterance.over is not None and policy == "never":
            return
        self.session.deliver(SpeechStarted(at, max(at, self._clock.now())))
        self._mouth.hold()
        if utterance.over is not None:
            self.session.paused()
            self._decide(utterance, self._barge_in.started(policy))

    def _transcribed(self, frame: Frame) -> None:
        """The recogniser has words, of the oldest utterance that still waits for its last."""
        if not isinstance(frame, Transcript):
            return
        utterance = self._awaiting[0] if self._awaiting else self._utterance
        if utterance is None:
            return
        self._channel.send(frame)
        if utterance.over is not None:
            in_question = self._mouth.in_question(self._clock.now())
            decision = self._barge_in.heard(frame.text, final=frame.final, in_question=in_question)
            self._decide(utterance, decision)
        if frame.final and self._awaiting:
            self._close(self._awaiting.popleft(), frame)
            self._end_when_quiet(self._clock.now())

    def _close(self, utterance: _Utterance, final: Transcript) -> None:
        """The utterance is whole: it becomes a turn, or was nothing."""
        ended = utterance.ended
        assert ended is not None
        backchannel = utterance.over is not None and utterance.over == self._mouth.epoch
        noise = not final.text and ended.at - utterance.started_at < NOISE_S
        if backchannel or noise:
            self.session.deliver(ended)
            self._resume()
            return
        now = max(self._clock.now(), ended.decided_at)
        self.session.deliver(Heard(final.text, ended.at, ended.decided_at, now, final.confidence))
        self._silence_mouth()

    def _decide(self, utterance: _Utterance, decision: Decision) -> None:
        if decision is not Decision.INTERRUPT or self.session.question.barge_in == "never":
            return
        if utterance.over is not None:
            self._mouth.clear(utterance.over)
            self.session.deliver(Interrupted(utterance.over, self._clock.now()))
            utterance.over = None

    def _resume(self) -> None:
        """It was no interruption; unless the user speaks again already, we go on."""
        if self._utterance is None or self._utterance.over is None:
            self._release()
            self.session.resumed()

    def _silence_mouth(self) -> None:
        """Whatever was being said is over; the next turn may speak."""
        epoch = self._mouth.epoch
        if epoch is not None:
            self._mouth.clear(epoch)
        self._release()

    def _release(self) -> None:
        if self._utterance is None:
            self._mouth.release()
