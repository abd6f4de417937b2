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
from server.sim import heard
from server.sim.ear import Ear
from server.sim.services import RecordedSTT, SimTTS, Troubles, lognormal
from server.sim.sounds import whole_sound

__all__ = ["SimSpeech"]

EARLY_MS = (20.0, 30.0)
"""docs/decisions.md: what the first moments take."""
HERE_S, CLOUD_S = 0.0003, 0.15
"""First sound of espeak-ng in this process, and of a service elsewhere."""


class SimSpeech:
    """The real gate with the real WebRTC VAD, the recorded recogniser, the voice out of memory.

    `at` schedules an event of the world, which is where decoder threads are.
    """

    def __init__(
        self,
        ear: Ear,
        troubles: Troubles,
        clock: Clock,
        at: Callable[..., None],
        seed: int,
        *,
        cloud: bool,
    ) -> None:
        self._ear = ear
        self._at = at
        self._now = clock.now
        self.decoder = Decoder(clock.now)  # has nothing to do, so it has no threads
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
            lambda: RecordedSTT(self._ear.parts, self._troubles, self._chance),
            self._stages,
            language=script.language,
            early=self._early,
            fillers=lambda session_id: Fillers(
                script.fillers, whole_sound, script.language, session_id
            ),
        )

    def _early(self, pcm: bytes, tell: Callable[[str], None]) -> None:
        """See `pipelines.speech.early.EarlyEar`: the last of what was heard."""
        until = self._ear.heard_until
        text = heard.beginning(self._ear.parts(until - len(pcm) / 32000, until))
        if not self._troubles.now("stt"):
            delay_s = lognormal(self._chance, *EARLY_MS)
            self._at(self._now() + delay_s, lambda due: tell(text))

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
