"""What calls hear and speak with, by setting: local parts, or parts that cost nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib.util import find_spec
from typing import Protocol

import structlog

from engine.clock import Clock
from engine.stage import Service, Stage
from pipelines.audio.loudness import Voice
from pipelines.audio.vad import WebRtcVad
from pipelines.speech.decoding import Decoder
from pipelines.speech.early import EarlyEar
from pipelines.speech.espeak import Espeak, EspeakTTS, EspeakVoice
from pipelines.speech.fillers import Fillers, Lateness
from pipelines.speech.levelled import Levelled
from pipelines.speech.models import find_voice
from pipelines.speech.null import NullSTT, NullTTS
from pipelines.speech.phrases import CachedTTS, PhraseCache
from pipelines.speech.piper import Piper, PiperTTS
from pipelines.speech.reading import ReadAloud
from pipelines.speech.sentences import Sentences
from pipelines.speech.spoken import spoken
from pipelines.speech.vosk import VoskSTT
from pipelines.turns.gate import Confirm, GateSettings, SpeechGate
from pipelines.voice import Speech
from scenarios.script import Script
from server.health import Check
from server.recognisers import Recognisers
from server.settings import Settings

log = structlog.get_logger()

__all__ = ["LocalSpeech", "NullSpeech", "SpeechParts"]


class SpeechParts(Protocol):
    """The speech of a process."""

    decoder: Decoder
    """What its recognisers are decoded by."""

    async def start(self, scripts: list[Script]) -> None:
        """Load what `scripts` need. Raises SpeechError or ConfigurationError."""
        ...

    def speech(self, script: Script) -> Speech:
        """The parts for one call. Raises SpeechError if there are none for its language."""
        ...

    def checks(self) -> dict[str, Check]:
        """By part: how to see whether it works."""
        ...

    def caches(self) -> dict[str, Callable[[], tuple[int, int]]]:
        """By cache: its hits and misses so far."""
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
        WebRtcVad()  # loads its library, which the first caller would wait for
        if self._wanted:
            from pipelines.audio.silero import SileroBatcher

            batcher = SileroBatcher()
            self._silero = batcher.stream
            self._close = batcher.close

    def make(self) -> SpeechGate:
        confirm = None if self._silero is None else self._silero()
        return SpeechGate(WebRtcVad(), self._settings, confirm)

    async def check(self) -> str | None:
        """Silence is none of speech."""
        if self._wanted and self._silero is None:
            return "silero is not loaded; restart the server"
        if WebRtcVad().is_speech(bytes(640)):
            return "it takes silence for speech; reinstall webrtcvad-wheels"
        return None

    def close(self) -> None:
        self._close()


class NullSpeech:
    """A fixed transcript at the end of speech, and a fixed sound in reply: three seconds of it, or
    40 ms a character for a line that is shorter."""

    TEXT = "oui bonjour"

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.decoder = Decoder(clock.now)  # has nothing to do, so it has no threads
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

    def checks(self) -> dict[str, Check]:
        return {"vad": self._gates.check}

    def caches(self) -> dict[str, Callable[[], tuple[int, int]]]:
        return {}

    async def close(self) -> None:
        self._gates.close()


class Voices:
    """The voices of a process: Piper's where one is installed, espeak-ng's otherwise."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._espeak = Espeak()
        self._pipers: dict[str, Piper] = {}
        self._loudness: dict[str, Voice] = {}
        self._lateness = Lateness()
        self.phrases = PhraseCache()
        self._warming: asyncio.Task[None] | None = None

    async def start(self, scripts: list[Script]) -> None:
        """Load the voices, and speak what the scenarios say anyway into the cache.

        A Piper voice takes seconds for that, so calls do not wait for it.
        """
        for language in {script.language for script in scripts}:
            network = find_voice(language, self._settings.models_dir)
            if network is None or self._settings.voice:
                continue
            if find_spec("piper") is None:
                log.warning("piper.not_installed", do="pip install 'palabre[piper]'")
                continue
            self._pipers[language] = Piper(network)
            await self._pipers[language].load()
        for script in scripts:
            if script.language not in self._pipers:
                await self._warm(script)
        slow = [script for script in scripts if script.language in self._pipers]
        if slow:
            self._warming = asyncio.create_task(self._warm(*slow), name="phrases")

    async def _warm(self, *scripts: Script) -> None:
        for script in scripts:
            name, tts = self._voice(script.language)
            await self.phrases.warm(script.lines(), tts, name)

    def _voice(self, language: str) -> tuple[str, Service]:
        """Its name, which tells its sound from any other's, and the service.

        Both kinds read what is written as espeak-ng does, and each is as loud as it was made.
        """
        piper = self._pipers.get(language)
        tag = language
        tts: Service
        if piper is not None:
            name, tts = piper.network.stem, PiperTTS(piper)
        else:
            tag = self._settings.voice if self._settings.voice.startswith(language) else language
            voice = EspeakVoice(tag)
            name, tts = voice.name, EspeakTTS(self._espeak, voice)
        loudness = self._loudness.setdefault(name, Voice())
        return name, Levelled(ReadAloud(tts, spoken(tag)), loudness)

    def stages(self, language: str) -> tuple[Stage, ...]:
        """From Delta and Say to Audio, for one turn."""
        name, tts = self._voice(language)
        return Sentences(), CachedTTS(tts, self.phrases, name)

    def fillers(self, script: Script) -> Callable[[str], Fillers]:
        """For a session's id: what is said while an answer is late, out of the phrase cache."""
        name, _ = self._voice(script.language)
        return lambda session_id: Fillers(
            script.fillers,
            lambda line: self.phrases.get(name, line),
            script.language,
            session_id,
            lateness=self._lateness,
        )

    def checks(self) -> dict[str, Check]:
        """By synthesiser: whether it speaks."""
        return {"espeak": self._check}

    async def _check(self) -> str | None:
        voice = EspeakVoice(self._settings.voice or "en")
        pcm = await self._espeak.synthesise("a", voice)
        return None if pcm else "it speaks nothing; reinstall espeakng-loader"

    async def close(self) -> None:
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.wait({self._warming})
        self._espeak.close()
        for piper in self._pipers.values():
            piper.close()


class LocalSpeech:
    """Vosk, and Piper or espeak-ng, in this process: no service, no key."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._recognisers = Recognisers(settings, clock)
        self.decoder = self._recognisers.decoder
        self._gates = Gates(settings)
        self._voices = Voices(settings)

    async def start(self, scripts: list[Script]) -> None:
        """See SpeechParts; scripts that no recogniser is there for need no voice."""
        await self._gates.start()
        await self._recognisers.start(scripts)
        await self._voices.start([script for script in scripts if self._recognisers.hears(script)])

    def speech(self, script: Script) -> Speech:
        model, notice = self._recognisers.of(script)
        return Speech(
            self._gates.make,
            lambda: VoskSTT(model),
            lambda: self._voices.stages(script.language),
            notice,
            script.language,
            self._voices.fillers(script),
            EarlyEar(model, script.backchannels, script.stop_words, script.language),
        )

    def checks(self) -> dict[str, Check]:
        return {"vad": self._gates.check, "vosk": self._recognisers.check, **self._voices.checks()}

    def caches(self) -> dict[str, Callable[[], tuple[int, int]]]:
        phrases = self._voices.phrases
        return {"phrases": lambda: (phrases.hits, phrases.misses)}

    async def close(self) -> None:
        self._gates.close()
        await self._voices.close()
        self._recognisers.close()
