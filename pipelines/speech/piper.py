"""Piper: neural voices on this machine's processor, from the extra ``piper``.

A voice makes a sentence at a time, so the first sound of a line waits for its whole first sentence.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from engine.errors import ConfigurationError, SpeechError
from engine.frames import Frame, Say
from engine.link import Link
from engine.stage import Outlet
from pipelines.audio.resample import RATE_HZ, StreamResampler
from pipelines.speech.lines import put_line

__all__ = ["Piper", "PiperTTS"]


class Piper:
    """The voice in `network` (``….onnx``, its description ``….onnx.json`` beside it), and the
    `workers` threads in which it speaks for all calls, a core each.

    `load` before the first line, `close` after the last.
    """

    def __init__(self, network: Path, *, workers: int = 1) -> None:
        self.network = network
        self._voice: Any = None
        self._loading = asyncio.Lock()
        self._pool = ThreadPoolExecutor(workers, "piper")

    async def load(self) -> None:
        """Read the voice, in a thread; once.

        Raises ConfigurationError where the extra is not installed, SpeechError where the voice is
        missing or broken; both name what to run.
        """
        async with self._loading:
            if self._voice is None:
                loop = asyncio.get_running_loop()
                self._voice = await loop.run_in_executor(self._pool, _load, self.network)

    async def stream(self, text: str) -> AsyncGenerator[bytes, None]:
        """The sound of `text`, s16le mono at 16 kHz, a sentence at a time.

        Cancelling, or closing the iterator, is safe: the sentence that is being made is the last.
        """
        if self._voice is None:
            raise SpeechError(f"the voice in {self.network} is not loaded; load it before a call")
        loop = asyncio.get_running_loop()
        sentences = _sentences(self._voice, text)
        while (pcm := await loop.run_in_executor(self._pool, next, sentences, None)) is not None:
            if pcm:
                yield pcm

    def close(self) -> None:
        """End the threads, after the sentences they speak."""
        self._pool.shutdown(cancel_futures=True)


class PiperTTS:
    """The service: each line, then its sound and the pause after it."""

    def __init__(self, piper: Piper) -> None:
        self._piper = piper

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`. Raises SpeechError."""
        async for frame in inbox:
            if isinstance(frame, Say):
                await put_line(frame, self._piper.stream(frame.text), outbox)
            else:
                await outbox.put(frame)


# In a thread


def _load(network: Path) -> Any:
    try:
        import onnxruntime
        from piper import PiperVoice
        from piper.config import PiperConfig
    except ImportError as error:
        raise ConfigurationError(
            "Piper is not here; run `pip install 'palabre[piper]'`, or speak with espeak-ng"
        ) from error
    logging.getLogger("piper").setLevel(logging.INFO)  # below that it logs what is said
    options = onnxruntime.SessionOptions()
    # Its own threads would spin on the cores that carry sound.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    description = network.with_name(network.name + ".json")
    try:
        config = PiperConfig.from_dict(json.loads(description.read_text(encoding="utf-8")))
        session = onnxruntime.InferenceSession(
            str(network), sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # each of onnxruntime's is of a class of its own
        what = "is broken" if network.exists() else "is not there"
        raise SpeechError(
            f"the voice in {network} {what}; run `palabre models fetch --again {network.stem}`"
        ) from error
    return PiperVoice(session=session, config=config)


def _sentences(voice: Any, text: str) -> Iterator[bytes]:
    resampler = StreamResampler(voice.config.sample_rate, RATE_HZ)
    try:
        for chunk in voice.synthesize(text):
            yield resampler.feed(chunk.audio_int16_bytes)
    except Exception as error:  # each of onnxruntime's is of a class of its own
        raise SpeechError("the Piper voice failed to speak; check it with a short line") from error
    yield resampler.feed(b"", last=True)
