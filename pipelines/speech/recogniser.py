"""The recogniser of one call: fed on the loop, decoded slice by slice in the decoder's threads.

Where a question expects one of a few phrases, they are listened for. As soon as something else is
heard, or at the end if they are not heard for sure, the utterance is listened to again without
expectations, and `pipelines.speech.hearing` has the choice between the two.

What gives way when the threads cannot keep up: first interims (none is made of a slice while more
sound waits, and one that came too late is not handed on), then, past `MOST_WAITING_S`, the oldest
sound of the call, which is counted. The final of an utterance never.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from engine.errors import SpeechError
from engine.frames import Audio, Transcript
from pipelines.audio.resample import RATE_HZ
from pipelines.speech.decoding import FINAL_DUE_S, SOUND_DUE_S, Decoder
from pipelines.speech.hearing import Heard, Hearing, choose, is_sure

__all__ = ["Heard", "Recogniser"]

SLICE_BYTES = 100 * RATE_HZ // 1000 * 2
"""100 ms, which take 2 ms (the demo model) to 30 ms (large ones): how long another call's final may
have to wait for a thread."""

CATCH_UP = 3
"""How much faster than it comes sound is listened to a second time."""

MOST_WAITING_S = 6.0
"""Sound of one call that may wait. Later than this a final is of no use: `pipelines.voice` gives up
a recogniser that has been silent for 3 s."""


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
        self._hearing: Hearing | None = None
        self._sound = bytearray()  # of an utterance that is expected to be one of a few
        self._second: Hearing | None = None  # hears that without expectations
        self._second_heard = 0  # bytes
        self._expected: Heard | None = None

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
        ending: asyncio.Future[Heard] = self._loop.create_future()
        utterance.ending = ending
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
                heard = self._finish(utterance)
                if heard is not None:
                    utterance.over = True
                    self._call(self._end, utterance, heard)
            elif pcm:
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
        if utterance is not self._decoding:
            self._decoding = utterance
            if self._hearing is None or self._hearing.grammar != utterance.grammar:
                self._hearing = Hearing(self._model, utterance.grammar)
            else:
                self._hearing.reset()
            self._sound.clear()
            self._second, self._second_heard, self._expected = None, 0, None
        assert self._hearing is not None
        self._hearing.feed(pcm)
        if utterance.grammar is not None:
            self._sound += pcm
            if self._second is not None:
                self._listen_again(CATCH_UP * len(pcm))

    def _listen_again(self, most_bytes: int) -> bool:
        """Whether `_second` has heard all that came, after at most `most_bytes` more."""
        if self._second is None:
            self._second = Hearing(self._model, None)
        end = min(len(self._sound), self._second_heard + most_bytes)
        while self._second_heard < end:
            until = min(end, self._second_heard + SLICE_BYTES)
            self._second.feed(bytes(self._sound[self._second_heard : until]))
            self._second_heard = until
        return end == len(self._sound)

    def _tell_changed(self, utterance: _Utterance, until: float | None) -> None:
        assert self._hearing is not None
        assert until is not None
        text, unknown = self._hearing.partial()
        if unknown and utterance.grammar is not None and self._listen_again(SLICE_BYTES):
            assert self._second is not None
            text, _ = self._second.partial()
        if text != utterance.text:
            utterance.text = text
            self._call(self._tell, utterance, Transcript(text, False, until))

    def _finish(self, utterance: _Utterance) -> Heard | None:
        """What was said; None if there is more to decode before that is known."""
        if utterance is not self._decoding or self._hearing is None:
            return Heard()  # it had no sound
        if self._expected is None:
            self._expected = self._hearing.final()
        if utterance.grammar is None or is_sure(self._expected):
            return self._expected
        if not self._listen_again(SLICE_BYTES):
            return None
        assert self._second is not None
        return choose(self._expected, self._second.final())

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        with suppress(RuntimeError):  # the loop is closed: nobody waits for it
            self._loop.call_soon_threadsafe(function, *arguments)
