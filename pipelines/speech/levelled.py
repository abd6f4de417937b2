"""A voice at the loudness of all others, whatever it came with."""

from __future__ import annotations

from dataclasses import replace

from engine.frames import Audio, Frame, Say
from engine.link import Link
from engine.stage import Outlet, Service
from pipelines.audio.loudness import Level, Voice
from pipelines.audio.resample import RATE_HZ

__all__ = ["Levelled"]


class Levelled:
    """The service `tts` (its sound at 16 kHz), each line brought to the target loudness as it
    comes. `voice` is what is known of the voice's own; keep it for as long as the voice."""

    def __init__(self, tts: Service, voice: Voice) -> None:
        self._tts = tts
        self._voice = voice

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`. Cancelling is safe if it is for the synthesiser."""
        await self._tts.run(inbox, _Levelling(outbox, self._voice))


class _Levelling:
    def __init__(self, outbox: Outlet, voice: Voice) -> None:
        self._outbox = outbox
        self._voice = voice
        self._level = Level(voice)

    async def put(self, frame: Frame) -> None:
        match frame:
            case Say():
                self._level = Level(self._voice)
            case Audio(rate_hz=rate_hz, pcm=pcm) if rate_hz == RATE_HZ:
                frame = replace(frame, pcm=self._level.feed(pcm))
            case _:
                pass
        await self._outbox.put(frame)
