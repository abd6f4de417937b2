"""Speech at no cost: what a bench runs on to see what the engine itself costs."""

from __future__ import annotations

from engine.frames import Audio, Frame, Say, SpeechEnded, Transcript
from engine.link import Link
from engine.stage import Outlet

__all__ = ["NullSTT", "NullTTS"]

RATE_HZ = 16000
CHARACTER_BYTES = 40 * RATE_HZ // 1000 * 2
"""40 ms of sound a character, which is how a hurried person speaks."""


class NullSTT:
    """Recognises `text` at the end of whatever is said."""

    def __init__(self, text: str) -> None:
        self._text = text

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`."""
        async for frame in inbox:
            match frame:
                case SpeechEnded(decided_at=decided_at):
                    await outbox.put(frame)
                    await outbox.put(Transcript(self._text, True, decided_at))
                case Audio():
                    pass
                case _:
                    await outbox.put(frame)


class NullTTS:
    """Speaks every line as `pcm` (s16le mono at 16 kHz), a short one as its beginning."""

    def __init__(self, pcm: bytes) -> None:
        self._pcm = pcm

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`."""
        async for frame in inbox:
            await outbox.put(frame)
            if isinstance(frame, Say):
                sound = self._pcm[: len(frame.text) * CHARACTER_BYTES]
                await outbox.put(Audio(sound, RATE_HZ, 0.0))
