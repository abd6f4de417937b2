"""espeak-ng, in this process: formant synthesis, about 1 ms for a second of speech.

The library (the wheel espeakng-loader, through ctypes) is one global state and not re-entrant.
A lock gives it to one line at a time; `Espeak` is the thread in which lines wait for it.
"""

from __future__ import annotations

import asyncio
import ctypes
import threading
from collections import deque
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from engine.errors import SpeechError
from engine.frames import Frame, Say
from engine.link import Link
from engine.stage import Outlet
from pipelines.audio.resample import RATE_HZ, StreamResampler
from pipelines.speech.lines import put_line

__all__ = ["Espeak", "EspeakTTS", "EspeakVoice", "Library", "Mark", "library", "synthesise"]

# speak_lib.h
_SYNCHRONOUS = 2
_PHONEME_EVENTS = 0x0001
_DONT_EXIT = 0x8000  # a missing data file is an error code, not exit(1)
_UTF8 = 1
_RATE, _PITCH = 1, 3
_OK = 0
_STOP = 1
_EVENT_END, _EVENT_WORD, _EVENT_PHONEME = 0, 1, 7

_CHUNK_MS = 30
"""What espeak-ng is asked for; it gives twice that at a time."""


class _EventId(ctypes.Union):
    _fields_ = (("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8))


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _EventId),
    )


_Take = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, slots=True)
class EspeakVoice:
    """A language of espeak-ng, with a variant if wanted (``fr``, ``fr-be``, ``en-us+f3``), its
    rate in words a minute (80 to 450) and its pitch (0 to 99)."""

    name: str = "fr"
    rate_wpm: int = 165
    pitch: int = 50

    def __post_init__(self) -> None:
        if not 80 <= self.rate_wpm <= 450:
            raise ValueError(f"espeak-ng speaks 80 to 450 words a minute, not {self.rate_wpm}")
        if not 0 <= self.pitch <= 99:
            raise ValueError(f"espeak-ng's pitch is 0 to 99, not {self.pitch}")


@dataclass(frozen=True, slots=True)
class Mark:
    """Where a phoneme begins: its name in espeak-ng's notation (``A~``, ``_`` for a pause), the
    character of the text at which its word begins, and its first sample."""

    phoneme: str
    character: int
    sample: int


class Library:
    """The library, once in a process: with espeak-ng's own data, or with those in `data`."""

    def __init__(self, data: Path | None = None) -> None:
        import espeakng_loader

        self._lock = threading.Lock()
        self._selected: EspeakVoice | None = None
        self._c = ctypes.CDLL(espeakng_loader.get_library_path())
        self._c.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int,
            ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        data = data or Path(espeakng_loader.get_data_path())
        self._variants = {path.name for path in (data / "voices" / "!v").iterdir()}
        options = _DONT_EXIT | _PHONEME_EVENTS
        self.rate_hz = int(
            self._c.espeak_Initialize(_SYNCHRONOUS, _CHUNK_MS, str(data).encode(), options)
        )
        if self.rate_hz <= 0:
            raise SpeechError(
                f"espeak-ng cannot read its data in {data}; reinstall espeakng-loader, "
                "where that path is shorter than 160 characters (espeak-ng's own limit)"
            )

    def seed(self, number: int) -> None:
        """Begin what is random in a voice anew. It is not all that one line leaves to the next: the
        same lines sound the same in a new process, in the same order."""
        self._c.espeak_ng_SetRandSeed(ctypes.c_long(number))

    def speak(self, text: str, voice: EspeakVoice, take: Callable[[bytes], bool]) -> None:
        """Synthesise `text` in this thread; `take` gets each piece and returns whether to go on."""

        def callback(samples: ctypes._Pointer[ctypes.c_short], count: int, _: object) -> int:
            if count <= 0:  # the end of the line, with no samples
                return _OK
            return _OK if take(ctypes.string_at(samples, 2 * count)) else _STOP

        self._synth(text, voice, callback)

    def trace(self, text: str, voice: EspeakVoice) -> tuple[bytes, list[Mark]]:
        """The sound of `text`, s16le mono at `rate_hz`, and where its phonemes begin in it."""
        pcm = bytearray()
        marks: list[Mark] = []
        character = 0

        def callback(
            samples: ctypes._Pointer[ctypes.c_short],
            count: int,
            events: ctypes._Pointer[_Event],
        ) -> int:
            nonlocal character
            if count > 0:
                pcm.extend(ctypes.string_at(samples, 2 * count))
            index = 0
            while (event := events[index]).type != _EVENT_END:
                index += 1
                if event.type == _EVENT_WORD:
                    character = event.text_position - 1  # they count from 1
                elif event.type == _EVENT_PHONEME:
                    marks.append(Mark(event.id.string.decode(), character, event.sample))
            return _OK

        self._synth(text, voice, callback)
        return bytes(pcm), marks

    def _synth(self, text: str, voice: EspeakVoice, callback: Callable[..., int]) -> None:
        line = text.replace("\0", " ").encode()
        with self._lock:
            if voice != self._selected:  # it reads files
                self._selected = None
                self._select(voice)
                self._selected = voice
            held = _Take(callback)
            self._c.espeak_SetSynthCallback(held)
            self._c.espeak_Synth(line + b"\0", len(line) + 1, 0, 0, 0, _UTF8, None, None)

    def _select(self, voice: EspeakVoice) -> None:
        language, _, variant = voice.name.partition("+")
        # espeak-ng says nothing of a variant that it does not have.
        if variant and variant not in self._variants:
            raise SpeechError(f"espeak-ng has no variant {variant!r}; use one such as f2 or m3")
        # It knows fr, fr-be and fr-ch, not fr-fr: the language alone is its own country's.
        for name in (language, language.partition("-")[0]):
            full = f"{name}+{variant}" if variant else name
            if self._c.espeak_SetVoiceByName(full.encode()) == _OK:
                break
        else:
            raise SpeechError(f"espeak-ng has no voice {language!r}; use one such as fr or en-us")
        self._c.espeak_SetParameter(_RATE, voice.rate_wpm, 0)
        self._c.espeak_SetParameter(_PITCH, voice.pitch, 0)


@cache
def library() -> Library:
    """The instance of this process, with espeak-ng's own voices."""
    return Library()


class _Trim:
    """Cuts digital silence off both ends: espeak-ng begins with 13 ms of it and ends with 7."""

    def __init__(self) -> None:
        self._begun = False
        self._zeros = 0

    def feed(self, pcm: bytes) -> bytes:
        sound = pcm.rstrip(b"\0")
        sound += bytes(len(sound) & 1)
        zeros, self._zeros = self._zeros, len(pcm) - len(sound)
        if not sound:
            self._zeros += zeros
            return b""
        if self._begun:
            return bytes(zeros) + sound
        self._begun = True
        lead = len(sound) - len(sound.lstrip(b"\0"))
        return sound[lead & ~1 :]


def _speak(text: str, voice: EspeakVoice, take: Callable[[bytes], bool]) -> None:
    """Give `take` the sound of `text` at 16 kHz, without silence at its ends, piece by piece."""
    espeak = library()
    resampler = StreamResampler(espeak.rate_hz, RATE_HZ)
    trim = _Trim()
    stopped = False

    def resample(pcm: bytes) -> bool:
        nonlocal stopped
        sound = resampler.feed(trim.feed(pcm))
        stopped = not take(sound)
        return not stopped

    espeak.speak(text, voice, resample)
    if not stopped:
        take(resampler.feed(b"", last=True))


def synthesise(text: str, voice: str = "fr", rate_wpm: int = 165, pitch: int = 50) -> bytes:
    """Speak `text` in this thread: s16le mono at 16 kHz, without silence at its ends.

    Empty where there is nothing to speak. Raises SpeechError if there is no such voice.
    """
    pcm = bytearray()

    def take(piece: bytes) -> bool:
        pcm.extend(piece)
        return True

    _speak(text, EspeakVoice(voice, rate_wpm, pitch), take)
    return bytes(pcm)


class Espeak:
    """A thread that speaks, one line after the other, for all calls of a process."""

    def __init__(self) -> None:
        self._worker: ThreadPoolExecutor | None = None

    async def stream(self, text: str, voice: EspeakVoice) -> AsyncGenerator[bytes, None]:
        """The sound of `text` as it is made, s16le mono at 16 kHz.

        Cancelling, or closing the iterator, is safe: synthesis stops at the next piece (60 ms of
        sound, 0.1 ms of work).
        """
        if self._worker is None:
            self._worker = ThreadPoolExecutor(1, "espeak")
        loop = asyncio.get_running_loop()
        pieces: deque[bytes] = deque()
        arrived = asyncio.Event()
        stop = threading.Event()

        def take(piece: bytes) -> bool:
            if stop.is_set():
                return False
            if piece:
                idle = not pieces
                pieces.append(piece)
                if idle:  # the loop is woken once for what it has not taken yet
                    loop.call_soon_threadsafe(arrived.set)
            return True

        def job() -> None:
            if not stop.is_set():
                _speak(text, voice, take)

        done = loop.run_in_executor(self._worker, job)
        done.add_done_callback(lambda _: arrived.set())
        try:
            while not done.done() or pieces:
                await arrived.wait()
                arrived.clear()
                pcm = b"".join(pieces.popleft() for _ in range(len(pieces)))
                if pcm:
                    yield pcm
            done.result()
        finally:
            stop.set()
            if not done.cancel() and done.done() and not done.cancelled():
                done.exception()  # seen, where nobody waits for it any more

    async def synthesise(self, text: str, voice: EspeakVoice) -> bytes:
        """The whole sound of `text`. Cancelling is safe."""
        async with aclosing(self.stream(text, voice)) as pieces:
            return b"".join([pcm async for pcm in pieces])

    def close(self) -> None:
        """End the thread, after the line it speaks. A later line starts a new one."""
        if self._worker is not None:
            self._worker.shutdown(cancel_futures=True)
            self._worker = None


class EspeakTTS:
    """The service: each line, then its sound and the pause after it."""

    def __init__(self, espeak: Espeak, voice: EspeakVoice | None = None) -> None:
        self._espeak = espeak
        self._voice = voice or EspeakVoice()

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`. Raises SpeechError."""
        async for frame in inbox:
            if isinstance(frame, Say):
                await put_line(frame, self._espeak.stream(frame.text, self._voice), outbox)
            else:
                await outbox.put(frame)
