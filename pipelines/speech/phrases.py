"""The phrase cache: what was spoken once is not synthesised again.

A scenario's own lines are spoken in every call, so after `warm` their first sound costs nothing.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable

from engine.errors import SpeechError
from engine.frames import Audio, Frame, Say
from engine.link import Link
from engine.stage import Outlet, Service
from pipelines.audio.resample import RATE_HZ
from pipelines.speech.lines import alone

__all__ = ["CachedTTS", "PhraseCache"]

MAX_BYTES = 64 * 1024 * 1024
"""35 minutes of speech: some 600 lines."""

PATIENCE_S = 3.0
"""How long a voice may give nothing in the middle of a call before it counts as stuck: as long as a
recogniser may (`pipelines.turns.floor`), five times what a cloud voice's first sound takes."""


class PhraseCache:
    """Sound (s16le mono, 16 kHz) by voice and line; the least recently used give way.

    In memory only, because a line may hold a name.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.hits = 0
        self.misses = 0
        self._lines: OrderedDict[tuple[str, str], bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._lines)

    def get(self, voice: str, text: str) -> bytes | None:
        pcm = self._lines.get((voice, text))
        if pcm is None:
            self.misses += 1
            return None
        self.hits += 1
        self._lines.move_to_end((voice, text))
        return pcm

    def put(self, voice: str, text: str, pcm: bytes) -> None:
        """Keep a line's whole sound; one that is larger than the cache is not kept."""
        if len(pcm) > self.max_bytes:
            return
        self.bytes += len(pcm) - len(self._lines.pop((voice, text), b""))
        self._lines[voice, text] = pcm
        while self.bytes > self.max_bytes:
            _, oldest = self._lines.popitem(last=False)
            self.bytes -= len(oldest)

    async def warm(self, lines: Iterable[str], tts: Service, voice: str) -> None:
        """Have `tts` speak what is not here yet. Cancelling is safe; raises what `tts` raises."""
        cached = CachedTTS(tts, self, voice)
        for line in dict.fromkeys(lines):
            if line.strip() and (voice, line) not in self._lines:
                await cached.synthesise(Say(line), _Nowhere())


class CachedTTS:
    """The service `tts` behind the cache. `voice` names everything that its sound depends on.

    `tts` is run once for each line that is not in the cache; a line is kept when all of it was
    spoken. A voice that gives nothing for `patience_s` fails.
    """

    def __init__(self, tts: Service, cache: PhraseCache, voice: str) -> None:
        self._tts = tts
        self._cache = cache
        self._voice = voice

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`."""
        async for frame in inbox:
            if not isinstance(frame, Say):
                await outbox.put(frame)
                continue
            pcm = self._cache.get(self._voice, frame.text)
            if pcm is None:
                await self.synthesise(frame, outbox, PATIENCE_S)
            else:
                await outbox.put(frame)
                await outbox.put(Audio(pcm, RATE_HZ, 0.0))

    async def synthesise(self, line: Say, outbox: Outlet, patience_s: float | None = None) -> None:
        """Speak `line` anew, and keep its sound. Cancelling is safe: nothing is kept.

        Raises SpeechError for a voice that gives nothing for `patience_s`, and what it raises.
        """
        try:
            async with asyncio.timeout(patience_s) as patience:
                tee = _Tee(outbox, patience, patience_s)
                await self._tts.run(alone(line), tee)
        except TimeoutError:
            if not patience.expired():
                raise
            raise SpeechError(
                f"the voice gave no sound for {patience_s:g} s; see that its service answers"
            ) from None
        if tee.pcm:
            self._cache.put(self._voice, line.text, bytes(tee.pcm))


class _Tee:
    """Keeps the sound that passes, and is patient anew after each piece of it; what the stage after
    it makes wait is not the voice's fault."""

    def __init__(self, outbox: Outlet, patience: asyncio.Timeout, patience_s: float | None) -> None:
        self._outbox = outbox
        self._patience = patience
        self._patience_s = patience_s
        self.pcm = bytearray()

    async def put(self, frame: Frame) -> None:
        self._patience.reschedule(None)
        await self._outbox.put(frame)
        if self._patience_s is not None:
            self._patience.reschedule(asyncio.get_running_loop().time() + self._patience_s)
        if isinstance(frame, Audio):
            self.pcm += frame.pcm


class _Nowhere:
    async def put(self, frame: Frame) -> None:
        pass
