"""Speech from any TTS service of pipecat."""

from __future__ import annotations

import asyncio
from typing import Any, Self

from engine.errors import SpeechError
from engine.frames import Audio, Frame, Say
from engine.link import Closed, Link
from engine.stage import Outlet
from pipelines.audio.resample import RATE_HZ, StreamResampler
from pipelines.pipecat.host import Factory, Host, pipecat
from pipelines.pipecat.kept import Kept
from pipelines.pipecat.metrics import OnMetrics

__all__ = ["PipecatTTS"]

PATIENCE_S = 5.0
"""Silence within a line after which the service counts as stuck. pipecat itself gives up on one
after 3 s, and knows more about it."""

AHEAD = 64
"""Chunks that may wait to be taken; then the service waits."""


class PipecatTTS:
    """Speaks each line through the service that `factory` makes, one line at a time.

    One for each call, run once a turn. As a context manager (``async with PipecatTTS(…)``) it keeps
    the service's connection from turn to turn; otherwise every run connects and disconnects.

    `factory` should ask its service for 16 kHz where it can choose; other rates are resampled.
    """

    def __init__(
        self, factory: Factory, *, on_metrics: OnMetrics = lambda name, value: None
    ) -> None:
        self._frames = pipecat("frames.frames")
        self._kept = Kept(lambda: Host(factory, SpeechError, self._take, self._failed, on_metrics))
        self._line: Link[Any] | None = None

    async def __aenter__(self) -> Self:
        await self._kept.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._kept.__aexit__()

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`. Raises SpeechError. Cancelling interrupts the service."""
        async with self._kept.turn() as host:
            async for frame in inbox:
                await outbox.put(frame)
                if isinstance(frame, Say):
                    await self._speak(host, frame.text, outbox)
            # Some services reconnect at an interruption unless they know that they are done.
            await host.send(self._frames.BotStoppedSpeakingFrame(), upstream=True)

    async def _speak(self, host: Host, text: str, outbox: Outlet) -> None:
        line = self._line = Link(AHEAD)
        # Services keep frames in the order of the sound, so this one comes out behind the line's.
        end = self._frames.ControlFrame()
        whole = False
        try:
            if host.failure is not None:
                raise host.failure
            await host.send(self._frames.TTSSpeakFrame(text, append_to_context=False))
            await host.send(end)
            await self._stream(line, end, outbox)
            whole = True
        except Closed:
            if host.failure is None:  # it is not the line that was closed: nobody listens
                raise
            raise host.failure from None
        except TimeoutError:
            host.retire()
            raise SpeechError(
                f"no sound came for {PATIENCE_S:.0f} s; check the service's status page"
            ) from None
        finally:
            if not whole and not _labels_its_sound(host.service):
                host.retire()
            self._line = None
            line.close()

    async def _stream(self, line: Link[Any], end: object, outbox: Outlet) -> None:
        resampler: StreamResampler | None = None
        samples = 0
        half = b""
        last = False
        while not last:
            async with asyncio.timeout(PATIENCE_S):
                frame = await line.get()
            last = frame is end
            pcm = half if last else half + frame.audio
            half = b"" if last else pcm[len(pcm) & ~1 :]  # a chunk may end within a sample
            if resampler is None:
                if last:
                    break
                resampler = StreamResampler(frame.sample_rate, RATE_HZ)
            pcm = resampler.feed(pcm[: len(pcm) & ~1], last=last)
            if pcm:
                await outbox.put(Audio(pcm, RATE_HZ, samples / RATE_HZ))
                samples += len(pcm) // 2

    async def _take(self, frame: Any) -> None:
        line = self._line
        sound = isinstance(frame, self._frames.TTSAudioRawFrame)
        if line is not None and (sound or type(frame) is self._frames.ControlFrame):
            try:
                await line.put(frame)
            except Closed:
                pass  # the line is over: nobody wants the rest

    def _failed(self) -> None:
        if self._line is not None:
            self._line.close()


def _labels_its_sound(service: Any) -> bool:
    """Whether sound says which request it answers, so that an interrupted line's cannot be taken
    for the next one's. pipecat holds requests back for services that do not; there an interrupted
    connection is replaced, because what is still under way on it has no name."""
    return not getattr(service, "_pause_frame_processing", True)
