"""Recognition by any STT service of pipecat."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

from engine.clock import Clock
from engine.errors import SpeechError
from engine.frames import Audio, Frame, SpeechEnded, SpeechStarted, Transcript
from engine.link import Closed, Link
from engine.stage import Outlet
from pipelines.pipecat.host import Factory, Host, pipecat
from pipelines.pipecat.metrics import OnMetrics

__all__ = ["PipecatSTT"]

PATIENCE_S = 2.0
"""How long after the end of speech a service may take to say what it was; pipecat's own limit for
measuring it."""

SETTLE_S = 0.3
"""A service that does not say which of its transcripts is the last has given it when no other
follows within this."""

CONFIRMED_S = 0.02
"""A service that has said all measures its latency first and hands over its transcript next."""

UNHEARD = 64
"""Chunks (5 s of speech) that a service may leave unprocessed before it counts as stuck."""


@dataclass(slots=True)
class _Utterance:
    """What is being said, as far as the service has told."""

    said: list[str] = field(default_factory=list)
    """Parts that will not change."""
    guess: str = ""
    """The part after them, which may."""
    shown: str = ""
    """The last interim transcript."""
    ended: bool = False
    closed: bool = False
    whole: asyncio.Event = field(default_factory=asyncio.Event)
    limit: asyncio.Timeout | None = None
    """Runs while the last words are waited for."""

    @property
    def text(self) -> str:
        return " ".join(part for part in [*self.said, self.guess] if part)

    def within(self, seconds: float) -> None:
        """The last words will have come in `seconds`."""
        if self.limit is not None and not self.limit.expired():
            when = asyncio.get_running_loop().time() + seconds
            self.limit.reschedule(min(when, self.limit.when() or when))


class PipecatSTT:
    """Recognises each utterance with the service that `factory` makes.

    Runs once, for the life of a call, and keeps the service's connection for that long. A
    connection that fails while nobody speaks is replaced when somebody does; so is one that leaves
    an utterance unanswered, lest its words come out in the next.

    Transcripts carry no confidence: pipecat's frames have none.
    """

    def __init__(
        self,
        factory: Factory,
        clock: Clock,
        *,
        on_metrics: OnMetrics = lambda name, value: None,
        patience_s: float = PATIENCE_S,
        settle_s: float = SETTLE_S,
    ) -> None:
        self._frames = pipecat("frames.frames")
        self._factory = factory
        self._clock = clock
        self._on_metrics = on_metrics
        self._patience_s = patience_s
        self._settle_s = settle_s
        self._latency_s = patience_s
        self._utterance: _Utterance | None = None
        self._order = asyncio.Lock()
        self._inbox: Link[Frame]
        self._outbox: Outlet

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`. Raises SpeechError. Cancelling disconnects."""
        self._inbox, self._outbox = inbox, outbox
        self._utterance = None
        host = await self._open()
        try:
            async for frame in inbox:
                if isinstance(frame, SpeechStarted) and host.spent:
                    await host.close()
                    host = await self._open()
                await self._handle(host, frame)
                if self._lost(host):
                    break
            if host.failure is not None and self._lost(host):
                raise host.failure
        finally:
            self._utterance = None
            await host.close()

    def _lost(self, host: Host) -> bool:
        """The service failed, and with it what was being said."""
        return host.failure is not None and self._utterance is not None

    async def _open(self) -> Host:
        host = Host(self._factory, SpeechError, self._take, self._failed, self._measured)
        await host.open()
        return host

    async def _handle(self, host: Host, frame: Frame) -> None:
        match frame:
            case Audio():
                await self._listen(host, frame)
            case SpeechStarted(at=at, decided_at=decided_at):
                await self._outbox.put(frame)
                self._utterance = _Utterance()
                await host.send(
                    self._frames.VADUserStartedSpeakingFrame(
                        start_secs=max(0.0, decided_at - at), timestamp=self._clock.wall()
                    )
                )
                await host.send(self._frames.UserStartedSpeakingFrame())
            case SpeechEnded():
                await self._outbox.put(frame)
                await self._finish(host, frame)
            case _:
                await self._outbox.put(frame)

    async def _listen(self, host: Host, sound: Audio) -> None:
        if host.pending > UNHEARD:
            raise SpeechError(
                "the recogniser takes no more sound; check the network to its service"
            )
        await host.send(
            self._frames.InputAudioRawFrame(
                audio=sound.pcm, sample_rate=sound.rate_hz, num_channels=1
            )
        )

    async def _finish(self, host: Host, ended: SpeechEnded) -> None:
        """Wait for the last words and hand on the final transcript."""
        utterance = self._utterance = self._utterance or _Utterance()
        utterance.ended = True
        # Where the service has committed to all it has shown, more is unlikely to come.
        complete = bool(utterance.said) and not utterance.guess
        patience_s = min(self._patience_s, self._latency_s) if complete else self._patience_s
        try:
            async with asyncio.timeout(patience_s) as utterance.limit:
                # A service takes a stop of 0 s to mean that nothing is to be measured.
                stop_s = max(0.001, ended.decided_at - ended.at)
                await host.send(
                    self._frames.VADUserStoppedSpeakingFrame(
                        stop_secs=stop_s, timestamp=self._clock.wall()
                    )
                )
                await host.send(self._frames.UserStoppedSpeakingFrame())
                await utterance.whole.wait()
        except TimeoutError:
            if utterance.guess or not utterance.said:
                host.retire()
        utterance.limit = None
        if host.failure is not None:
            return
        async with self._order:
            utterance.closed = True
            self._utterance = None
            await self._outbox.put(Transcript(utterance.text, True, self._clock.now()))

    # In the service's own tasks

    async def _take(self, frame: Any) -> None:
        frames = self._frames
        utterance = self._utterance
        match frame:
            case frames.STTMetadataFrame(ttfs_p99_latency=latency_s):
                self._latency_s = latency_s
            case frames.InterimTranscriptionFrame(text=text) if utterance is not None:
                utterance.guess = text.strip()
                await self._show(utterance)
            case frames.TranscriptionFrame(text=text) if utterance is not None:
                utterance.said.append(text.strip())
                utterance.guess = ""
                if frame.finalized and utterance.ended:
                    utterance.whole.set()
                else:
                    utterance.within(self._settle_s)
                    await self._show(utterance)
            case _:
                pass

    async def _show(self, utterance: _Utterance) -> None:
        async with self._order:
            text = utterance.text
            if utterance.closed or utterance.ended or text == utterance.shown:
                return
            utterance.shown = text
            try:
                await self._outbox.put(Transcript(text, False, self._clock.now()))
            except Closed:
                pass  # nobody listens any more

    def _measured(self, name: str, value: float) -> None:
        self._on_metrics(name, value)
        if name == "ttfb_s" and self._utterance is not None and self._utterance.ended:
            self._utterance.within(CONFIRMED_S)

    def _failed(self) -> None:
        """Nobody waits for words that will not come: the run ends with the service's failure."""
        if self._utterance is not None:
            self._utterance.whole.set()
            self._inbox.close()
