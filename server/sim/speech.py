"""What a simulated call hears and speaks with: `server.voices.SpeechParts` in virtual time."""

from __future__ import annotations

import random
from collections.abc import Callable

from engine.clock import Clock
from engine.stage import Stage
from pipelines.audio.vad import WebRtcVad
from pipelines.speech.decoding import Decoder
from pipelines.speech.fillers import Fillers
from pipelines.speech.phrases import CachedTTS, PhraseCache
from pipelines.speech.sentences import Sentences
from pipelines.turns.gate import SpeechGate
from pipelines.voice import Speech
from scenarios.script import Script as Scenario
from server.health import Check
from server.sim.services import Listening, RecordedSTT, SimTTS, Troubles
from server.sim.sounds import whole_sound

__all__ = ["SimSpeech"]

HERE_S, CLOUD_S = 0.0003, 0.15
"""First sound of espeak-ng in this process, and of a service elsewhere."""


class SimSpeech:
    """The real gate with the real WebRTC VAD, the recorded recogniser, the voice out of memory."""

    def __init__(
        self, listen: Listening, troubles: Troubles, clock: Clock, seed: int, *, cloud: bool
    ) -> None:
        self.decoder = Decoder(clock.now)  # has nothing to do, so it has no threads
        self._listen = listen
        self._troubles = troubles
        self._chance = random.Random(f"speech {seed}")
        self._first_s = CLOUD_S if cloud else HERE_S
        self._phrases = PhraseCache()

    async def start(self, scripts: list[Scenario]) -> None:
        """There is nothing to load."""

    def speech(self, script: Scenario) -> Speech:
        """See `server.voices.SpeechParts`."""
        return Speech(
            lambda: SpeechGate(WebRtcVad()),
            lambda: RecordedSTT(self._listen, self._troubles, self._chance),
            self._stages,
            language=script.language,
            fillers=lambda session_id: Fillers(
                script.fillers, whole_sound, script.language, session_id
            ),
        )

    def _stages(self) -> tuple[Stage, ...]:
        tts = SimTTS(self._troubles, self._chance, self._first_s)
        return Sentences(), CachedTTS(tts, self._phrases, "sim")

    def checks(self) -> dict[str, Check]:
        """See `server.voices.SpeechParts`."""
        return {}

    def caches(self) -> dict[str, Callable[[], tuple[int, int]]]:
        """See `server.voices.SpeechParts`."""
        return {}

    async def close(self) -> None:
        """There is nothing to give back."""
