"""The recogniser of one call: fed on the loop, decoded slice by slice in the decoder's threads.

What gives way when the threads cannot keep up: first interims (none is made of a slice while more
sound waits, and one that came too late is not handed on), then, past `MOST_WAITING_S`, the oldest
sound of the call, which is counted. The final of an utterance never.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from engine.errors import SpeechError
from engine.frames import Audio, Transcript
from pipelines.audio.resample import RATE_HZ
from pipelines.speech.decoding import FINAL_DUE_S, SOUND_DUE_S, Decoder

__all__ = ["UNKNOWN", "Heard", "Recogniser", "make_recogniser"]

UNKNOWN = "[unk]"
"""What models and grammars call speech that is none of their words."""

SLICE_BYTES = 100 * RATE_HZ // 1000 * 2
"""100 ms, which take 2 ms (the demo model) to 30 ms (large ones): how long another call's final may
have to wait for a thread."""

MOST_WAITING_S = 6.0
"""Sound of one call that may wait. Later than this a final is of no use: `pipelines.voice` gives up
a recogniser that has been silent for 3 s."""

Heard = tuple[str, float | None]
"""What was said, and how sure that is (0 to 1; None without a word)."""


class _Utterance:
    """What is being said. The loop adds, one thread at a time takes away.

    A number is written by one side only, so that none needs a lock; `ending` is set after the last
    sound was added.
    """

    __slots__ = ("ending", "final_due", "given", "grammar", "over", "pieces", "taken", "text")

    def __init__(self, grammar: str | None) -> None:
        self.grammar = grammar
        self.pieces: deque[tuple[bytes, float]] = deque()  # sound, and when it had come
        self.given = 0  # bytes; the loop's
        self.taken = 0  # bytes; the thread's
        self.text = ""  # the last interim; the thread's
        self.ending: asyncio.Future[Heard] | None = None
        self.final_due = 0.0
        self.over = False

    @property
    def waiting_s(self) -> float:
        return max(0, self.given - self.taken) / (2 * RATE_HZ)

    @property
    def due(self) -> float | None:
        if self.over:
            return None
        came = self.came
        if came is None:
            return None if self.ending is None else self.final_due
        due = came + SOUND_DUE_S
        return due if self.ending is None else min(due, self.final_due)

    @property
    def came(self) -> float | None:
        try:
            return self.pieces[0][1]
        except IndexError:  # none, or a thread took the last at this moment
            return None

    def take(self) -> tuple[bytes, float | None]:
        """Up to a slice of sound, and when the oldest of it had come."""
        sound, came = bytearray(), None
        while self.pieces and len(sound) + len(self.pieces[0][0]) <= SLICE_BYTES:
            with suppress(IndexError):  # the loop gave up the oldest at this moment
                pcm, at = self.pieces.popleft()
                sound += pcm
                came = at if came is None else came
        return bytes(sound), came


class Recogniser:
    """One call's. `interim` is told, on the loop, what was understood so far, whenever that
    changes. A `pipelines.speech.decoding.Stream`.
    """

    def __init__(self, model: Any, decoder: Decoder, interim: Callable[[Transcript], None]) -> None:
        self._model = model
        self._decoder = decoder
        self._interim = interim
        self._loop = asyncio.get_running_loop()
        self._utterance = _Utterance(None)
        self._error: SpeechError | None = None
        # In the threads
        self._decoding: _Utterance | None = None
        self._vosk: Any = None
        self._settled: list[dict[str, Any]] = []

    # On the loop

    @property
    def waiting_s(self) -> float:
        return self._utterance.waiting_s

    @property
    def due(self) -> float | None:
        return self._utterance.due

    @property
    def came(self) -> float | None:
        return self._utterance.came

    def begin(self, grammar: str | None = None) -> None:
        """A new utterance, heard with `grammar`; what is left of the last one is dropped."""
        self._utterance = _Utterance(grammar)

    def take(self, frame: Audio) -> None:
        """More sound. Raises SpeechError if what came before it could not be decoded."""
        if self._error is not None:
            raise self._error
        utterance, came = self._utterance, frame.at + frame.duration_s
        for start in range(0, len(frame.pcm), SLICE_BYTES):
            pcm = frame.pcm[start : start + SLICE_BYTES]
            utterance.pieces.append((pcm, came))
            utterance.given += len(pcm)
        while utterance.waiting_s > MOST_WAITING_S and utterance.pieces:
            pcm, _ = utterance.pieces.popleft()
            utterance.given -= len(pcm)
            self._decoder.give_way(sound_s=len(pcm) / (2 * RATE_HZ))
        self._decoder.wake(self)

    async def finish(self, decided_at: float) -> Heard:
        """The utterance is over, as was known at `decided_at`: all of it, recognised.

        Raises SpeechError. Cancelling is safe; the utterance is then lost.
        """
        if self._error is not None:
            raise self._error
        utterance = self._utterance
        utterance.final_due = decided_at + FINAL_DUE_S
        utterance.ending = ending = self._loop.create_future()
        self._decoder.wake(self)
        return await ending

    def _tell(self, utterance: _Utterance, interim: Transcript) -> None:
        if utterance is self._utterance and utterance.ending is None:
            self._interim(interim)
        else:
            self._decoder.give_way(interims=1)

    def _end(self, utterance: _Utterance, heard: Heard) -> None:
        if utterance.ending is not None and not utterance.ending.done():
            utterance.ending.set_result(heard)

    def _fail(self, utterance: _Utterance, error: SpeechError) -> None:
        self._error = error
        if utterance.ending is not None and not utterance.ending.done():
            utterance.ending.set_exception(error)

    # In a thread

    def step(self) -> float | None:
        """See `pipelines.speech.decoding.Stream`."""
        utterance = self._utterance
        # In this order: once `ending` is seen, no sound can be added that is not seen as well.
        ending = utterance.ending is not None
        pcm, came = utterance.take()
        try:
            if pcm:
                self._decode(utterance, pcm)
                utterance.taken += len(pcm)
            if utterance.pieces:
                self._decoder.give_way(interims=1)
            elif ending:
                heard = self._final() if utterance is self._decoding else ("", None)
                utterance.over = True
                self._call(self._end, utterance, heard)
            elif came is not None:
                self._tell_changed(utterance, came)
        except Exception as error:  # noqa: BLE001 the border: a fault must not end the thread
            utterance.over = True
            failure = error if isinstance(error, SpeechError) else None
            if failure is None:
                failure = SpeechError("vosk failed to decode; the call gets a new recogniser")
                failure.__cause__ = error
            self._call(self._fail, utterance, failure)
        return came

    def _decode(self, utterance: _Utterance, pcm: bytes) -> None:
        before, self._decoding = self._decoding, utterance
        if self._vosk is None or before is None or before.grammar != utterance.grammar:
            self._vosk = make_recogniser(self._model, utterance.grammar)
            self._settled = []
        elif before is not utterance:
            self._vosk.Reset()
            self._settled = []
        # True where Vosk's own endpointing closes a part; ours decides when speech has ended.
        if self._vosk.AcceptWaveform(pcm):
            self._settled.append(json.loads(self._vosk.Result()))

    def _tell_changed(self, utterance: _Utterance, until: float) -> None:
        partial = json.loads(self._vosk.PartialResult())["partial"]
        text = _join([*(part["text"] for part in self._settled), partial])
        if text != utterance.text:
            utterance.text = text
            self._call(self._tell, utterance, Transcript(text, False, until))

    def _final(self) -> Heard:
        parts = [*self._settled, json.loads(self._vosk.FinalResult())]
        words = [
            word["conf"]
            for part in parts
            for word in part.get("result", ())
            if word["word"] != UNKNOWN
        ]
        confidence = min(1.0, sum(words) / len(words)) if words else None
        return _join([part["text"] for part in parts]), confidence

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits for it
            self._loop.call_soon_threadsafe(function, *arguments)


def make_recogniser(model: Any, grammar: str | None) -> Any:
    """Vosk's own, of a loaded model. Raises SpeechError."""
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
