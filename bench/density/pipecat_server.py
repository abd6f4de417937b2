"""A stock pipecat agent with zero-cost speech services, as pipecat's own examples build one.

Transport, VAD controller, turn strategies, aggregators, pipeline worker and runner are
pipecat's, with their defaults; interruptions are on, as they are by default. What is set, and
why, stands in docs/bench/density.md. The three services cost nothing: a fixed transcript at the
end of speech, a fixed line, 3 s of fixed sound.

    python -m bench.density.pipecat_server --port 9000 --vad webrtc
"""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

import uvicorn
from fastapi import FastAPI, WebSocket
from loguru import logger
from pipecat.audio.vad.silero import SileroVADAnalyzer
from pipecat.audio.vad.vad_analyzer import VADAnalyzer, VADParams
from pipecat.frames.frames import (
    Frame,
    InputAudioRawFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    LLMFullResponseStartFrame,
    LLMTextFrame,
    OutputAudioRawFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    VADUserStoppedSpeakingFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.aggregators.llm_response_universal import (
    LLMContextAggregatorPair,
    LLMUserAggregatorParams,
)
from pipecat.processors.frame_processor import FrameDirection
from pipecat.serializers.base_serializer import FrameSerializer
from pipecat.services.llm_service import LLMService
from pipecat.services.settings import LLMSettings, STTSettings, TTSSettings
from pipecat.services.stt_service import STTService
from pipecat.services.tts_service import TTSService
from pipecat.transports.websocket.fastapi import (
    FastAPIWebsocketParams,
    FastAPIWebsocketTransport,
)
from pipecat.turns.user_stop import SpeechTimeoutUserTurnStopStrategy
from pipecat.turns.user_turn_strategies import UserTurnStrategies
from pipecat.utils.time import time_now_iso8601
from pipecat.workers.runner import WorkerRunner

from bench.density.script import ENDPOINTING_MS, FRAME_BYTES, WEBRTC_MODE, reply_pcm
from bench.density.vad import is_webrtc_speech

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Sequence

SAMPLE_RATE_HZ = 16_000
TRANSCRIPT = "je voudrais revoir la maison"
LINE = "Très bien, je regarde ce qui est libre."


class RawSerializer(FrameSerializer):
    """Each message is s16le sound at 16 kHz, both ways."""

    async def serialize(self, frame: Frame) -> str | bytes | None:
        """Sound as it is; nothing else is sent."""
        return frame.audio if isinstance(frame, OutputAudioRawFrame) else None

    async def deserialize(self, data: str | bytes) -> Frame | None:
        """Sound as it is; text is not understood."""
        if isinstance(data, str):
            return None
        return InputAudioRawFrame(audio=data, sample_rate=SAMPLE_RATE_HZ, num_channels=1)


class WebRtcVADAnalyzer(VADAnalyzer):
    """WebRTC VAD as pipecat's analyzers are written: 20 ms at a time, confidence 0 or 1."""

    def __init__(self, *, params: VADParams) -> None:
        super().__init__(sample_rate=SAMPLE_RATE_HZ, params=params)
        self._is_speech = is_webrtc_speech(WEBRTC_MODE)

    def num_frames_required(self) -> int:
        """320 samples."""
        return FRAME_BYTES // 2

    def voice_confidence(self, buffer: bytes) -> float:
        """1 for speech."""
        return 1.0 if self._is_speech(buffer) else 0.0


class FixedSTT(STTService):
    """The final transcript is there as soon as the VAD says that speech has ended."""

    def __init__(self) -> None:
        super().__init__(ttfs_p99_latency=0.0, settings=STTSettings(model=None, language=None))

    async def run_stt(self, audio: bytes) -> AsyncGenerator[Frame | None, None]:
        """Streaming recognisers answer later, if at all."""
        yield None

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Push the transcript behind the end of speech."""
        await super().process_frame(frame, direction)
        if isinstance(frame, VADUserStoppedSpeakingFrame):
            await self.push_frame(
                TranscriptionFrame(TRANSCRIPT, "", time_now_iso8601(), finalized=True)
            )


class FixedLLM(LLMService[Any]):
    """One fixed line, at once."""

    def __init__(self) -> None:
        super().__init__(
            settings=LLMSettings(
                model=None,
                system_instruction=None,
                temperature=None,
                max_tokens=None,
                top_p=None,
                top_k=None,
                frequency_penalty=None,
                presence_penalty=None,
                seed=None,
                filter_incomplete_user_turns=None,
                user_turn_completion_config=None,
            )
        )

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        """Answer a context."""
        await super().process_frame(frame, direction)
        if isinstance(frame, LLMContextFrame):
            await self.push_frame(LLMFullResponseStartFrame())
            await self.push_frame(LLMTextFrame(LINE))
            await self.push_frame(LLMFullResponseEndFrame())
        else:
            await self.push_frame(frame, direction)


class FixedTTS(TTSService):
    """3 s of sound, in chunks of the size that pipecat's own services use."""

    def __init__(self, pcm: bytes, rate_hz: int = SAMPLE_RATE_HZ) -> None:
        super().__init__(
            push_start_frame=True,
            push_stop_frames=True,
            settings=TTSSettings(model=None, voice=None, language=None),
        )
        self._pcm = pcm
        self._rate_hz = rate_hz

    def sound(self, text: str) -> bytes:
        """The same for any text."""
        return self._pcm

    async def run_tts(self, text: str, context_id: str) -> AsyncGenerator[Frame | None, None]:
        """The sound of `text`."""

        async def chunks() -> AsyncIterator[bytes]:
            pcm = self.sound(text)
            for at in range(0, len(pcm), self.chunk_size):
                yield pcm[at : at + self.chunk_size]

        async for frame in self._stream_audio_frames_from_iterator(
            chunks(), in_sample_rate=self._rate_hz, context_id=context_id
        ):
            assert isinstance(frame, TTSAudioRawFrame)
            yield frame


def vad_analyzer(vad: str) -> VADAnalyzer:
    """One call's VAD. The VAD alone decides, as in the other servers: no loudness threshold."""
    params = VADParams(stop_secs=ENDPOINTING_MS / 1000.0, min_volume=0.0)
    if vad == "silero":
        return SileroVADAnalyzer(sample_rate=SAMPLE_RATE_HZ, params=params)
    return WebRtcVADAnalyzer(params=params)


async def run_call(websocket: WebSocket, vad: str, pcm: bytes) -> None:
    """One call, from accept to hang-up. Cancelling it ends the call."""
    await run_agent(
        websocket,
        RawSerializer(),
        LLMUserAggregatorParams(
            vad_analyzer=vad_analyzer(vad),
            # The default asks Smart Turn, which the other servers do not run: the silence that
            # the VAD has waited for is the endpoint.
            user_turn_strategies=UserTurnStrategies(
                stop=[SpeechTimeoutUserTurnStopStrategy(user_speech_timeout=0.0)]
            ),
        ),
        (FixedSTT(), FixedLLM(), FixedTTS(pcm)),
    )


async def run_agent(
    websocket: WebSocket,
    serializer: FrameSerializer,
    params: LLMUserAggregatorParams,
    services: tuple[STTService, LLMService[Any], TTSService],
    *,
    rate_hz: int = SAMPLE_RATE_HZ,
    first: Sequence[Frame] = (),
) -> None:
    """A call of an agent that is stock but for its services and `params`; it begins with the frames
    `first`. Cancelling it ends the call."""
    transport = FastAPIWebsocketTransport(
        websocket,
        FastAPIWebsocketParams(
            audio_in_enabled=True, audio_out_enabled=True, serializer=serializer
        ),
    )
    user, assistant = LLMContextAggregatorPair(LLMContext(), user_params=params)
    stt, llm, tts = services
    worker = PipelineWorker(
        Pipeline([transport.input(), stt, user, llm, tts, transport.output(), assistant]),
        params=PipelineParams(audio_in_sample_rate=rate_hz, audio_out_sample_rate=rate_hz),
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)

    @transport.event_handler("on_client_connected")  # type: ignore[untyped-decorator, unused-ignore]
    async def connected(_transport: object, _client: object) -> None:
        await worker.queue_frames(first)

    @transport.event_handler("on_client_disconnected")  # type: ignore[untyped-decorator, unused-ignore]
    async def disconnected(_transport: object, _client: object) -> None:
        await runner.cancel()

    await runner.run()


def create_app(vad: str) -> FastAPI:
    """The FastAPI app: one WebSocket route."""
    app = FastAPI()
    pcm = reply_pcm()

    @app.websocket("/media")
    async def media(websocket: WebSocket) -> None:
        await websocket.accept()
        await run_call(websocket, vad, pcm)

    return app


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="stock pipecat for the density bench")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--vad", choices=("webrtc", "silero"), default="webrtc")
    arguments = parser.parse_args()
    serve(create_app(arguments.vad), arguments.port)


def serve(app: FastAPI, port: int) -> None:
    """Serve on the same edge as `palabre serve`."""
    # pipecat logs every frame of note at DEBUG, which is its default and nobody's in production.
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        log_level="warning",
    )


if __name__ == "__main__":
    main()
