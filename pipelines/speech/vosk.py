"""Vosk: streaming recognition in this machine, decoded outside the event loop's thread.

All calls of a process share one model for each language, and the threads of one decoder.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from engine.errors import SpeechError
from engine.frames import Audio, Expected, Frame, SpeechEnded, SpeechStarted, Transcript
from engine.link import Link
from engine.stage import Outlet
from pipelines.audio.resample import RATE_HZ
from pipelines.speech.decoding import Decoder
from pipelines.speech.grammar import grammar, unknown_words
from pipelines.speech.hearing import Hearing
from pipelines.speech.models.installed import remedy
from pipelines.speech.recogniser import Recogniser

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
        self._grammars: dict[tuple[str, ...], str | None] = {}
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

    def knows(self, word: str) -> bool:
        """Whether the loaded model can recognise `word`."""
        return bool(self._model.vosk_model_find_word(word) >= 0)

    def unknown_words(self, phrases: Iterable[str]) -> list[str]:
        """The words of `phrases` that the loaded model cannot recognise."""
        return unknown_words(phrases, self.knows)

    def grammar(self, phrases: tuple[str, ...]) -> str | None:
        """What Vosk takes to listen for `phrases`, made once; None if it must listen for anything:
        no phrases, or none of known words, or a model with a fixed graph (large ones have it)."""
        if not phrases or not _takes_grammars(self.path):
            return None
        if phrases not in self._grammars:
            self._grammars[phrases] = grammar(phrases, self.knows)
        return self._grammars[phrases]

    def hearing(self, phrases: tuple[str, ...]) -> Hearing:
        """One of Vosk's recognisers, which listens for `phrases`; for a thread of the decoder.

        Raises SpeechError.
        """
        return Hearing(self._model, self.grammar(phrases))

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

    What is `Expected` before an utterance begins is what it listens for during that. The model
    must have been loaded.
    """

    def __init__(self, model: VoskModel) -> None:
        self._model = model

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`. Raises SpeechError.

        Interims come in through the inbox as well, so that one task puts out everything in order.
        """
        latest: Transcript | None = None
        phrases: tuple[str, ...] = ()

        def interim(transcript: Transcript) -> None:
            nonlocal latest
            latest = transcript
            inbox.offer(transcript)

        with self._model.listen(interim) as recogniser:
            async for frame in inbox:
                match frame:
                    case Audio():
                        recogniser.take(frame)
                    case Expected():
                        phrases = frame.phrases
                    case SpeechStarted():
                        latest = None
                        recogniser.begin(self._model.grammar(phrases))
                        phrases = ()
                        await outbox.put(frame)
                    case SpeechEnded(decided_at=decided_at):
                        await outbox.put(frame)
                        heard = await recogniser.finish(decided_at)
                        latest = None
                        recogniser.begin()
                        await outbox.put(Transcript(heard.text, True, decided_at, heard.confidence))
                    case Transcript() if frame is not latest:
                        self._model.decoder.give_way(interims=1)
                    case _:
                        await outbox.put(frame)


def _takes_grammars(path: Path) -> bool:
    """Whether the graph is in two parts, of which Vosk can exchange the one."""
    return any((path / folder / "HCLr.fst").is_file() for folder in ("graph", "."))


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
        raise SpeechError(f"the vosk model in {path} {what}; {remedy(path)}") from error
    return model
