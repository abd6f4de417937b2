"""Vosk: streaming recognition in this machine, decoded outside the event loop's thread.

All calls of a process share one model for each language, and the threads of one decoder.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.errors import SpeechError
from engine.frames import Audio, Frame, SpeechEnded, SpeechStarted, Transcript
from engine.link import Link
from engine.stage import Outlet
from pipelines.audio.resample import RATE_HZ
from pipelines.speech.decoding import Decoder
from pipelines.speech.recogniser import UNKNOWN, Recogniser

__all__ = ["VoskModel", "VoskSTT"]

_PROOF = bytes(RATE_HZ // 5 * 2)
"""A model that loads may still be unable to decode, so it is tried on a little silence."""


class VoskModel:
    """A model in memory.

    `load` before the first call, `close` after the last. It is decoded by `decoder`, whose owner
    closes it, or by threads of its own: `workers`, by default one per core this process may use.
    """

    def __init__(
        self, path: Path, *, workers: int | None = None, decoder: Decoder | None = None
    ) -> None:
        self.path = path
        self.decoder = decoder or Decoder(time.monotonic, workers)
        self._own_decoder = decoder is None
        self._model: Any = None
        self._loading = asyncio.Lock()

    async def load(self) -> None:
        """Read the model, in a thread; once. Raises SpeechError, which names what to run.

        Cancelling leaves the model unloaded.
        """
        async with self._loading:
            if self._model is None:
                self._model = await asyncio.to_thread(_load, self.path)

    @property
    def backlog_s(self) -> float:
        """Sound of all calls that was given and is not decoded."""
        return self.decoder.backlog_s

    @contextmanager
    def listen(self, interim: Callable[[Transcript], None]) -> Iterator[Recogniser]:
        """A recogniser for one call; see there."""
        if self._model is None:
            raise SpeechError(f"the model in {self.path} is not loaded; load it before a call")
        recogniser = Recogniser(self._model, self.decoder, interim)
        self.decoder.add(recogniser)
        try:
            yield recogniser
        finally:
            self.decoder.remove(recogniser)

    async def check(self) -> None:
        """Recognise a little silence. Raises SpeechError."""
        now = time.monotonic()
        with self.listen(lambda interim: None) as recogniser:
            recogniser.take(Audio(_PROOF, RATE_HZ, now))
            await recogniser.finish(now)

    def close(self) -> None:
        """End the threads, if they are the model's own."""
        if self._own_decoder:
            self.decoder.close()


class VoskSTT:
    """The service: speech in, what was said so far and at the end out.

    `grammar` limits what is heard to phrases of known words; all else is then not heard at all.
    The model must have been loaded.
    """

    def __init__(self, model: VoskModel, grammar: Sequence[str] = ()) -> None:
        self._model = model
        # Vosk does not know JSON's escapes: it would take an accented word for an unknown one.
        phrases = [*grammar, UNKNOWN]
        self._grammar = json.dumps(phrases, ensure_ascii=False) if grammar else None

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`. Raises SpeechError.

        Interims come in through the inbox as well, so that one task puts out everything in order.
        """
        latest: Transcript | None = None

        def interim(transcript: Transcript) -> None:
            nonlocal latest
            latest = transcript
            inbox.offer(transcript)

        with self._model.listen(interim) as recogniser:
            async for frame in inbox:
                match frame:
                    case Audio():
                        recogniser.take(frame)
                    case SpeechStarted():
                        latest = None
                        recogniser.begin(self._grammar)
                        await outbox.put(frame)
                    case SpeechEnded(decided_at=decided_at):
                        await outbox.put(frame)
                        text, confidence = await recogniser.finish(decided_at)
                        latest = None
                        recogniser.begin(self._grammar)
                        await outbox.put(Transcript(text, True, decided_at, confidence))
                    case Transcript() if frame is not latest:
                        self._model.decoder.give_way(interims=1)
                    case _:
                        await outbox.put(frame)


def _load(path: Path) -> Any:
    import vosk

    vosk.SetLogLevel(-1)
    try:
        if not path.is_dir():
            raise FileNotFoundError(path)
        model = vosk.Model(str(path))
        recogniser = vosk.KaldiRecognizer(model, RATE_HZ)
        recogniser.AcceptWaveform(_PROOF)
        recogniser.FinalResult()
    except Exception as error:  # the class Vosk raises
        what = "is broken" if path.is_dir() else "is not there"
        raise SpeechError(
            f"the vosk model in {path} {what}; "
            "run `palabre models check`, then `palabre models fetch` with its language"
        ) from error
    return model
