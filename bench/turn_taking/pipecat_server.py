"""A stock pipecat agent with its own turn-taking, for the callers of the turn-taking bench.

All that decides about turns is pipecat's, with its defaults: Silero VAD, Smart Turn, interruptions
by the VAD, transport, aggregators, pipeline. It hears with the recogniser that we hear with, whose
final is there as soon as the VAD says that speech has ended, and says the same lines in the same
voice, which cost nothing. Beside the sound it sends two messages of our media protocol: `reply`
before each line, and `clear` at an interruption, as its serializers for carriers do.

    python -m bench.turn_taking.pipecat_server --port 9000 --model vosk-fr-demo \\
        --scenario bench/turn_taking/scenario.yaml
"""

from __future__ import annotations

import argparse
import json
import time
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, WebSocket
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    InterruptionFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMRunFrame,
    LLMTextFrame,
    OutputAudioRawFrame,
    OutputTransportMessageFrame,
    TranscriptionFrame,
    VADUserStartedSpeakingFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.processors.aggregators.llm_response_universal import LLMUserAggregatorParams
from pipecat.processors.frame_processor import FrameDirection
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.services.settings import STTSettings
from pipecat.services.stt_service import STTService
from pipecat.utils.time import time_now_iso8601

from bench.density.pipecat_server import FixedLLM, FixedTTS, run_agent, serve
from bench.turn_taking.lines import Line, lines
from engine.frames import Audio
from pipelines.audio.resample import RATE_HZ, StreamResampler
from pipelines.speech.models import find_model
from pipelines.speech.recogniser import Recogniser
from pipelines.speech.vosk import VoskModel
from server.settings import Settings

PREROLL_S = 0.5
"""Kept from before the VAD has started, as pipecat keeps it for its turn analyser."""


class MediaSerializer(FrameSerializer):
    """Sound both ways as it is; `reply` and `clear` as the media protocol has them."""

    def __init__(self, rate_hz: int) -> None:
        super().__init__()
        self._rate_hz = rate_hz
        self._turn = 0

    async def serialize(self, frame: Frame) -> str | bytes | None:
        """Sound, a message, or an interruption."""
        match frame:
            case OutputAudioRawFrame():
                return frame.audio
            case OutputTransportMessageFrame():
                self._turn = frame.message["turn"]
                return json.dumps(frame.message)
            case InterruptionFrame():
                return json.dumps({"type": "clear", "turn": self._turn})
            case _:
                return None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        """Sound; what the far end says of its playout is not asked for."""
        if isinstance(data, str):
            return None
        return InputAudioRawFrame(audio=data, sample_rate=self._rate_hz, num_channels=1)


class VoskService(STTService):
    """Our recogniser, stepped by pipecat's VAD."""

    def __init__(self, recogniser: Recogniser, rate_hz: int) -> None:
        super().__init__(ttfs_p99_latency=0.0, settings=STTSettings(model=None, language=None))
        self._recogniser = recogniser
        self._resampler = StreamResampler(rate_hz, RATE_HZ) if rate_hz != RATE_HZ else None
        self._recent: deque[bytes] = deque(maxlen=round(PREROLL_S / 0.02))
        self._speaking = False

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Take 20 ms; the words come with the end of speech."""
        pcm = audio if self._resampler is None else self._resampler.feed(audio)
        if self._speaking:
            self._take(pcm)
        else:
            self._recent.append(pcm)
        yield None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Begin and end with the VAD; the transcript follows its end of speech at once."""
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStartedSpeakingFrame):
            self._recogniser.begin()
            self._speaking = True
            self._take(b"".join(self._recent))
            self._recent.clear()
        elif isinstance(frame, VADUserStoppedSpeakingFrame) and self._speaking:
            self._speaking = False
            heard = await self._recogniser.finish(time.monotonic())
            if heard.text:
                await self.push_frame(
                    TranscriptionFrame(heard.text, "", time_now_iso8601(), finalized=True)
                )

    def _take(self, pcm: bytes) -> None:
        if pcm:
            at = time.monotonic() - len(pcm) / (2 * RATE_HZ)
            self._recogniser.take(Audio(pcm, RATE_HZ, at))


class LinesLLM(FixedLLM):
    """The lines of the scenario in turn, whatever was said."""

    def __init__(self, said: Sequence[Line], rate_hz: int) -> None:
        super().__init__()
        self._said = said
        self._rate_hz = rate_hz
        self._turn = 0

    async def answer(self) -> None:
        """The next line."""
        line = self._said[self._turn % len(self._said)]
        self._turn += 1
        reply = {
            "type": "reply",
            "turn": self._turn,
            "text": line.sentences[0],
            "ms": line.seconds(self._rate_hz) * 1000,
        }
        await self.push_frame(OutputTransportMessageFrame(reply))
        await self.push_frame(LLMFullResponseStartFrame())
        for sentence in line.sentences:
            await self.push_frame(LLMTextFrame(f"{sentence} "))
        await self.push_frame(LLMFullResponseEndFrame())

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer a context."""
        if isinstance(frame, LLMContextFrame):
            await super(FixedLLM, self).process_frame(frame, direction)
            await self.answer()
        else:
            await super().process_frame(frame, direction)


class LinesTTS(FixedTTS):
    """Says the sentences of `sounds`, which were spoken beforehand."""

    def __init__(self, sounds: Mapping[str, bytes], rate_hz: int) -> None:
        super().__init__(b"", rate_hz)
        self._sounds = sounds

    def sound(self, text: str) -> bytes:
        """Of a sentence."""
        return self._sounds[text.strip()]


def create_app(scenario: Path, model_path: Path) -> FastAPI:
    """The FastAPI app: one WebSocket route, with `rate` as the media protocol has it."""
    model = VoskModel(model_path)
    said = lines(scenario)
    sounds = {rate_hz: _sounds(said, rate_hz) for rate_hz in (8000, 16000)}

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await model.load()
        yield
        model.close()

    app = FastAPI(lifespan=lifespan)

    @app.websocket("/media")
    async def media(websocket: WebSocket, rate: int = 16000) -> None:
        await websocket.accept()
        with model.listen(lambda interim: None) as recogniser:
            await run_agent(
                websocket,
                MediaSerializer(rate),
                LLMUserAggregatorParams(vad_analyzer=SileroVADAnalyzer()),
                (
                    VoskService(recogniser, rate),
                    LinesLLM(said, rate),
                    LinesTTS(sounds[rate], rate),
                ),
                rate_hz=rate,
                first=[LLMRunFrame()],
            )

    return app


def _sounds(said: Sequence[Line], rate_hz: int) -> dict[str, bytes]:
    return {
        sentence: pcm
        for line in said
        for sentence, pcm in zip(line.sentences, line.sounds(rate_hz), strict=True)
    }


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="stock pipecat for the turn-taking bench")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--scenario", type=Path, required=True)
    parser.add_argument("--model", required=True, help="a recogniser, by name or path")
    arguments = parser.parse_args()
    model = find_model("fr", Settings().models_dir, arguments.model)
    serve(create_app(arguments.scenario, model.path), arguments.port)


if __name__ == "__main__":
    main()
