"""What a call hears and speaks with in virtual time: the real recogniser and the real VADs, whose
threads are events of the world that take what they usually take."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from engine.clock import Clock
from pipelines.audio.silero import SileroBatcher
from pipelines.audio.vad import WebRtcVad
from pipelines.speech.decoding import Decoder, Stream
from pipelines.speech.early import EarlyEar
from pipelines.speech.vosk import VoskModel, VoskSTT
from pipelines.turns.gate import SpeechGate
from pipelines.voice import Speech
from scenarios.script import Script
from server.health import Check
from server.sim.loop import VirtualLoop, World
from server.voices import Voices

__all__ = ["VirtualDecoder", "VirtualSpeech", "threads_at_once"]

DECODED_S = 0.006
"""From sound to its decoding, with few calls (docs/bench/response.md)."""
JOB_S = 0.003
"""A job of Silero's thread, or of any other's."""


class VirtualDecoder(Decoder):
    """Decodes on the loop, a little later."""

    def __init__(self, now: Callable[[], float], world: World) -> None:
        super().__init__(now, 1)
        self._clock = now
        self._world = world
        self._woken: set[Stream] = set()

    def wake(self, stream: Stream) -> None:
        """See `Decoder`."""
        if stream not in self._woken:
            self._woken.add(stream)
            self._world.at(self._clock() + DECODED_S, self._decode, stream)

    def _decode(self, due: float, stream: Stream) -> None:
        self._woken.discard(stream)
        while stream in self._streams and stream.due is not None:
            stream.step()


def threads_at_once(running: VirtualLoop) -> None:
    """Let what `running` gives to threads be done there and then, and be known after `JOB_S`."""

    def run_in_executor(
        executor: Any, function: Callable[..., Any], *arguments: Any
    ) -> asyncio.Future[Any]:
        done = running.create_future()
        result = function(*arguments)

        def tell(due: float) -> None:
            if not done.done():
                done.set_result(result)

        running.world.at(running.time() + JOB_S, tell)
        return done

    setattr(running, "run_in_executor", run_in_executor)  # noqa: B010 (a method, to mypy)


class VirtualSpeech:
    """The parts of one call (`server.voices.SpeechParts`). `voices` have spoken their lines."""

    def __init__(self, model: VoskModel, voices: Voices, *, silero: bool) -> None:
        self.decoder = model.decoder
        self._model = model
        self._voices = voices
        self._batcher = SileroBatcher() if silero else None

    @classmethod
    async def made(cls, path: Any, voices: Voices, clock: Clock, *, silero: bool) -> VirtualSpeech:
        """On a loop with `threads_at_once`. Raises SpeechError, ConfigurationError."""
        running = asyncio.get_running_loop()
        assert isinstance(running, VirtualLoop)
        model = VoskModel(path, decoder=VirtualDecoder(clock.now, running.world))
        await model.load()
        return cls(model, voices, silero=silero)

    async def start(self, scripts: list[Script]) -> None:
        """There is nothing to load."""

    def speech(self, script: Script) -> Speech:
        """See `server.voices.SpeechParts`."""
        return Speech(
            self._gate,
            lambda: VoskSTT(self._model),
            lambda: self._voices.stages(script.language),
            language=script.language,
            fillers=self._voices.fillers(script),
            early=EarlyEar(self._model, script.backchannels, script.stop_words, script.language),
        )

    def _gate(self) -> SpeechGate:
        confirm = None if self._batcher is None else self._batcher.stream()
        return SpeechGate(WebRtcVad(), confirm=confirm)

    def checks(self) -> dict[str, Check]:
        """See `server.voices.SpeechParts`."""
        return {}

    def caches(self) -> dict[str, Callable[[], tuple[int, int]]]:
        """See `server.voices.SpeechParts`."""
        return {}

    async def close(self) -> None:
        """After the call."""
        if self._batcher is not None:
            self._batcher.close()
