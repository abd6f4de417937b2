"""Vosk: streaming recognition in this machine, decoded outside the event loop's thread.

All calls of a process share one model and a few threads. A call has at most one job at a time, so
its sound is decoded in order; sound that comes meanwhile is one job afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import SpeechError
from engine.frames import Audio, Frame, SpeechEnded, SpeechStarted, Transcript
from engine.link import Link
from engine.stage import Outlet
from pipelines.audio.resample import RATE_HZ

__all__ = ["VoskModel", "VoskSTT"]

_PROOF = bytes(RATE_HZ // 5 * 2)
"""A model that loads may still be unable to decode, so it is tried on a little silence."""

A = TypeVar("A")
T = TypeVar("T")

UNKNOWN = "[unk]"
"""What models and grammars call speech that is none of their words."""


class VoskModel:
    """A model in memory, and the threads that decode with it.

    `load` before the first call, `close` after the last. `workers` is the number of threads; by
    default one per core this process may use.
    """

    def __init__(self, path: Path, *, workers: int | None = None) -> None:
        self.path = path
        self._model: Any = None
        self._pool = ThreadPoolExecutor(workers or _cores(), "vosk")
        self._loading = asyncio.Lock()
        self._listening: set[_Ear] = set()

    async def load(self) -> None:
        """Read the model, in a thread; once. Raises SpeechError, which names what to run.

        Cancelling leaves the model unloaded.
        """
        async with self._loading:
            if self._model is None:
                self._model = await self.decode(_load, self.path)

    @property
    def backlog_s(self) -> float:
        """Sound of all calls that was given and is not decoded: what admission watches."""
        return sum(ear.backlog_s for ear in self._listening)

    @contextmanager
    def listen(self, inbox: Link[Frame], grammar: str | None) -> Iterator[_Ear]:
        """A recogniser for one call, whose sound comes through `inbox`."""
        if self._model is None:
            raise SpeechError(f"the model in {self.path} is not loaded; load it before a call")
        ear = _Ear(self._model, grammar, inbox)
        self._listening.add(ear)
        try:
            yield ear
        finally:
            self._listening.discard(ear)

    async def decode(self, job: Callable[[A], T], argument: A) -> T:
        """Run `job` in one of the threads. Cancelling is safe; a job that runs ends by itself."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, job, argument)

    def close(self) -> None:
        """End the threads. Jobs that run are waited for, others are dropped."""
        self._pool.shutdown(cancel_futures=True)


class VoskSTT:
    """The service: speech in, what was said so far and at the end out.

    `grammar` limits what is heard to phrases of known words; all else is then not heard at all.
    The model must have been loaded.
    """

    def __init__(self, model: VoskModel, grammar: Sequence[str] = ()) -> None:
        self._model = model
        self._grammar = json.dumps([*grammar, UNKNOWN]) if grammar else None

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`. Raises SpeechError."""
        decode = self._model.decode
        with self._model.listen(inbox, self._grammar) as ear:
            async for frame in inbox:
                match frame:
                    case Audio():
                        ear.take(frame)
                    case SpeechStarted():
                        ear.begin()
                        await outbox.put(frame)
                    case SpeechEnded(decided_at=decided_at):
                        await outbox.put(frame)
                        text, confidence = await decode(ear.finish, ear.give())
                        ear.begin()
                        await outbox.put(Transcript(text, True, decided_at, confidence))
                    case _:
                        await outbox.put(frame)
                if ear.waiting and not len(inbox):
                    text = await decode(ear.accept, ear.give())
                    if ear.changed(text):
                        await outbox.put(Transcript(text, False, ear.until))


class _Ear:
    """The recogniser of one call. `accept` and `finish` run in a thread, one at a time."""

    def __init__(self, model: Any, grammar: str | None, inbox: Link[Frame]) -> None:
        self._model = model
        self._grammar = grammar
        self._inbox = inbox
        self._recogniser: Any = None
        self._decoding_s = 0.0
        self._settled: list[dict[str, Any]] = []
        self._stale = False
        self._waiting = bytearray()
        self._chunk_s = 0.08  # the gate's; known when the first has come
        self._text = ""
        self.until = 0.0
        """Where the sound ends that was given."""

    # On the loop

    @property
    def waiting(self) -> bool:
        return bool(self._waiting)

    @property
    def backlog_s(self) -> float:
        """Estimated by the last chunk's length for those that wait in the link."""
        return self._decoding_s + _seconds(self._waiting) + len(self._inbox) * self._chunk_s

    def begin(self) -> None:
        """A new utterance; what is left of the last one is dropped."""
        self._waiting.clear()
        self._text = ""
        self._stale = True
        self._decoding_s = 0.0

    def take(self, frame: Audio) -> None:
        self._waiting += frame.pcm
        self._chunk_s = frame.duration_s
        self.until = frame.at + frame.duration_s

    def give(self) -> bytes:
        pcm = bytes(self._waiting)
        self._waiting.clear()
        self._decoding_s = _seconds(pcm)
        return pcm

    def changed(self, text: str) -> bool:
        self._decoding_s = 0.0
        before, self._text = self._text, text
        return text != before

    # In a thread

    def accept(self, pcm: bytes) -> str:
        """What was said so far, with `pcm`."""
        self._decode(pcm)
        partial = json.loads(self._recogniser.PartialResult())["partial"]
        return _join([*(part["text"] for part in self._settled), partial])

    def finish(self, pcm: bytes) -> tuple[str, float | None]:
        """What was said in all, and how sure that is (0 to 1)."""
        if self._recogniser is None and not pcm:
            return "", None
        self._decode(pcm)
        parts = [*self._settled, json.loads(self._recogniser.FinalResult())]
        words = [
            word["conf"]
            for part in parts
            for word in part.get("result", ())
            if word["word"] != UNKNOWN
        ]
        confidence = min(1.0, sum(words) / len(words)) if words else None
        return _join([part["text"] for part in parts]), confidence

    def _decode(self, pcm: bytes) -> None:
        if self._recogniser is None:
            self._recogniser = _recogniser(self._model, self._grammar)
        elif self._stale:
            self._recogniser.Reset()
        if self._stale:
            self._settled.clear()
            self._stale = False
        try:
            # True where Vosk's own endpointing closes a part; ours decides when speech has ended.
            if pcm and self._recogniser.AcceptWaveform(pcm):
                self._settled.append(json.loads(self._recogniser.Result()))
        except Exception as error:  # the class Vosk raises
            raise SpeechError("vosk failed to decode; the call gets a new recogniser") from error


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


def _recogniser(model: Any, grammar: str | None) -> Any:
    import vosk

    try:
        if grammar is None:
            recogniser = vosk.KaldiRecognizer(model, RATE_HZ)
        else:
            recogniser = vosk.KaldiRecognizer(model, RATE_HZ, grammar)
    except Exception as error:  # the class Vosk raises
        raise SpeechError(
            "vosk made no recogniser; check that the grammar holds words of the model"
        ) from error
    recogniser.SetWords(True)  # for the confidence; measured: it costs nothing
    return recogniser


def _join(texts: Sequence[str]) -> str:
    return " ".join(word for text in texts for word in text.split() if word != UNKNOWN)


def _seconds(pcm: bytes | bytearray) -> float:
    return len(pcm) / (2 * RATE_HZ)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
