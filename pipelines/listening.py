"""The ears of a call that others lead: what one side says, as transcripts. Nothing is answered.

sound -> resample -> gate -> recogniser -> transcripts
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from engine.channel import AudioChannel
from engine.clock import Clock
from engine.frames import Audio, Frame, Hangup, SpeechEnded, SpeechStarted, Transcript
from engine.stage import fuse
from pipelines.audio.resample import RATE_HZ, Resample
from pipelines.audio.ticker import Ticker
from pipelines.recognition import Recognition
from pipelines.voice import LAST_WORDS_S, Speech

__all__ = ["FINAL_PATIENCE_S", "Ears", "Utterance"]

FINAL_PATIENCE_S = 3.0
"""How long after the end of an utterance its recogniser may take: what `turns.floor` gives it."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """Something was said, from `began_at` to `ended_at` on the edge's clock."""

    text: str
    confidence: float | None
    began_at: float
    ended_at: float


class Ears:
    """Listens on `channel` until it hangs up: run it once.

    `said` gets every utterance with words in it, `show` every transcript, interims too; `lost` is
    told of a recogniser that failed, and what it was listening to is lost.
    """

    def __init__(
        self,
        channel: AudioChannel,
        speech: Speech,
        clock: Clock,
        ticker: Ticker,
        said: Callable[[Utterance], None],
        *,
        show: Callable[[Transcript], None] = lambda transcript: None,
        lost: Callable[[Exception], None] = lambda error: None,
    ) -> None:
        self._channel = channel
        self._clock = clock
        self._ticker = ticker
        self._said = said
        self._show = show
        self._told_lost = lost
        self._gate = speech.gate()
        native = channel.capabilities.rate_hz == RATE_HZ
        self._hear = fuse([self._gate] if native else [Resample(), self._gate])
        self._recognition = Recognition(speech.stt, self._transcribed, self._lost)
        self._began_at = 0.0
        self._awaited: deque[tuple[float, SpeechEnded]] = deque()
        self._changed = asyncio.Event()
        self._reason: str | None = None

    async def run(self) -> str:
        """Listen to the end; its reason is returned, once the last words are recognised.
        Cancelling ends it at once."""
        listening = asyncio.create_task(self._recognition.run(), name="ears")
        try:
            self._channel.attach(self.receive)
            while self._reason is None:
                await self._next()
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_S):
                    while self._awaited:
                        await self._next()
            return self._reason
        finally:
            self._ticker.remove(self)
            listening.cancel()
            await asyncio.wait({listening})

    async def _next(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def receive(self, frame: Frame) -> None:
        """Take what the channel brings in. Never waits."""
        match frame:
            case Audio():
                for heard in self._hear(frame):
                    self._listened(heard)
            case Hangup(reason=reason) if self._reason is None:
                for heard in self._gate.finish(self._clock.now()):
                    self._listened(heard)
                self._reason = reason
                self._changed.set()
            case _:
                pass

    def tick(self, now: float) -> None:
        """Every 20 ms from the beginning of speech to its transcript: notice what does not
        happen. A far end that sends nothing is silent."""
        for frame in self._gate.idle(now):
            self._listened(frame)
        if self._awaited and now > self._awaited[0][1].decided_at + FINAL_PATIENCE_S:
            self._recognition.give_up()
        elif not self._awaited and not self._gate.speaking:
            self._ticker.remove(self)

    def _listened(self, frame: Frame) -> None:
        match frame:
            case SpeechStarted(at=at):
                self._began_at = at
                self._ticker.add(self, self.tick)
            case SpeechEnded():
                self._awaited.append((self._began_at, frame))
            case _:
                pass
        self._recognition.feed(frame)

    def _transcribed(self, frame: Frame) -> None:
        if not isinstance(frame, Transcript):
            return
        self._show(frame)
        if not frame.final or not self._awaited:
            return
        began_at, ended = self._awaited.popleft()
        if frame.text:
            self._said(Utterance(frame.text, frame.confidence, began_at, ended.at))
        self._changed.set()

    def _lost(self, error: Exception) -> None:
        self._awaited.clear()
        self._changed.set()
        self._told_lost(error)
