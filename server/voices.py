"""What calls hear and speak with, by setting: local parts, or parts that cost nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from typing import Protocol

from engine.errors import SpeechError
from pipelines.audio.vad import WebRtcVad
from pipelines.speech.espeak import Espeak, EspeakTTS, EspeakVoice
from pipelines.speech.models import find_model
from pipelines.speech.null import NullSTT, NullTTS
from pipelines.speech.phrases import CachedTTS, PhraseCache
from pipelines.speech.sentences import Sentences
from pipelines.speech.vosk import VoskModel, VoskSTT
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
        """The parts for one call. Raises SpeechError if there are none for its language."""
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


class LocalSpeech:
    """Vosk and espeak-ng in this process: no service, no key."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._gates = Gates(settings)
        self._espeak = Espeak()
        self._phrases = PhraseCache()
        self._models: dict[str, VoskModel] = {}
        self._notices: dict[str, str] = {}

    async def start(self, scripts: list[Script]) -> None:
        """Load the recognisers, and synthesise what the scenarios say anyway.

        The language of the first script needs a recogniser; others have it if it is installed.
        """
        await self._gates.start()
        first = scripts[0].language
        await self._load(first, self._settings.model)
        for language in sorted({script.language for script in scripts} - {first}):
            with suppress(SpeechError):
                await self._load(language)
        for script in scripts:
            if script.language in self._models:
                voice = self._voice(script.language)
                await self._phrases.warm(script.lines(), self._tts(voice), voice.name)

    async def _load(self, language: str, wanted: str | None = None) -> None:
        found = find_model(language, self._settings.models_dir, wanted)
        model = VoskModel(found.path)
        self._models[language] = model
        self._notices[language] = found.notice
        await model.load()

    def _voice(self, language: str) -> EspeakVoice:
        wanted = self._settings.voice
        return EspeakVoice(wanted if wanted.startswith(language) else language)

    def _tts(self, voice: EspeakVoice) -> EspeakTTS:
        return EspeakTTS(self._espeak, voice)

    def speech(self, script: Script) -> Speech:
        if script.language not in self._models:
            find_model(script.language, self._settings.models_dir)  # says what to run
            raise SpeechError("a recogniser was installed since; restart the server to use it")
        model = self._models[script.language]
        voice = self._voice(script.language)

        def mouth() -> tuple[Sentences, CachedTTS]:
            return Sentences(), CachedTTS(self._tts(voice), self._phrases, voice.name)

        return Speech(
            self._gates.make, lambda: VoskSTT(model), mouth, self._notices[script.language]
        )

    def backlog_s(self) -> float:
        return sum(model.backlog_s for model in self._models.values())

    def health(self) -> dict[str, str | None]:
        return {"vosk": None if self._models else "no recogniser is loaded", "espeak": None}

    async def close(self) -> None:
        self._gates.close()
        self._espeak.close()
        for model in self._models.values():
            model.close()
