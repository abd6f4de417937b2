"""What calls hear and speak with, by setting: local parts, or parts that cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Protocol

from pipelines.audio.vad import WebRtcVad
from pipelines.speech.null import NullSTT, NullTTS
from pipelines.turns.gate import Confirm, GateSettings, SpeechGate
from pipelines.voice import Speech
from scenarios.script import Script
from server.settings import Settings

__all__ = ["LocalSpeech", "NullSpeech", "SpeechParts"]


class SpeechParts(Protocol):
    """The speech of a process."""

    async def start(self, scripts: list[Script]) -> None:
        """Load what `scripts` need. Raises SpeechError or ConfigurationError."""
        ...

    def speech(self, script: Script) -> Speech:
        """The parts for one call."""
        ...

    def backlog_s(self) -> float:
        """Sound of all calls that waits to be recognised."""
        ...

    def health(self) -> dict[str, str | None]:
        """By part: what is wrong with it, or None."""
        ...

    async def close(self) -> None: ...


class Gates:
    """Makes the gates of calls; their Silero is shared."""

    def __init__(self, settings: Settings) -> None:
        self._settings = GateSettings(endpoint_ms=settings.endpoint_ms)
        self._silero: Callable[[], Confirm] | None = None
        self._close: Callable[[], None] = lambda: None
        self._wanted = settings.vad == "silero" or (
            settings.vad == "auto" and bool(find_spec("onnxruntime") and find_spec("pipecat"))
        )

    async def start(self) -> None:
        if self._wanted:
            from pipelines.audio.silero import SileroBatcher

            batcher = SileroBatcher()
            self._silero = batcher.stream
            self._close = batcher.close

    def make(self) -> SpeechGate:
        confirm = None if self._silero is None else self._silero()
        return SpeechGate(WebRtcVad(), self._settings, confirm)

    def close(self) -> None:
        self._close()


class NullSpeech:
    """A fixed transcript at the end of speech, and three seconds of a fixed sound in reply."""

    TEXT = "oui bonjour"

    def __init__(self, settings: Settings) -> None:
        self._gates = Gates(settings)
        # A quiet 440 Hz tone: 1,600 samples are 44 whole periods, so that pieces join without
        # a click.
        from math import pi, sin
        from struct import pack

        tone = (round(3000 * sin(2 * pi * 440 * n / 16000)) for n in range(1600))
        self._pcm = pack("<1600h", *tone) * 30

    async def start(self, scripts: list[Script]) -> None:
        await self._gates.start()

    def speech(self, script: Script) -> Speech:
        return Speech(self._gates.make, lambda: NullSTT(self.TEXT), lambda: (NullTTS(self._pcm),))

    def backlog_s(self) -> float:
        return 0.0

    def health(self) -> dict[str, str | None]:
        return {}

    async def close(self) -> None:
        self._gates.close()
