"""Who speaks: espeak-ng voices that the demo models learnt or did not, other synthesisers, people.

espeak-ng is loaded in a process of its own: it is one global state, and the voices drawn for the
training of the demo model need a data folder beside its own.
"""

from __future__ import annotations

import random
import shlex
import shutil
import subprocess
import tempfile
import wave
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from bench.errors import BenchError
from pipelines.audio.resample import RATE_HZ, StreamResampler
from pipelines.speech.training.voices import ACCENTS, Voice, lay_out, voices

__all__ = ["EXTERNAL", "HUMAN", "SEEN", "UNSEEN", "Speech", "Synthesiser", "available", "human"]

SEEN, UNSEEN, HUMAN = "espeak, seen", "espeak, unseen", "human"

EXTERNAL: Mapping[str, Mapping[str, str]] = {
    "fr": {
        "pico": "pico2wave -l fr-FR -w {out} {text}",
        "mbrola fr1": "espeak-ng -v mb-fr1 -w {out} {text}",
        "mbrola fr4": "espeak-ng -v mb-fr4 -w {out} {text}",
    },
    "en": {
        "pico": "pico2wave -l en-GB -w {out} {text}",
        "mbrola en1": "espeak-ng -v mb-en1 -w {out} {text}",
        "mbrola us1": "espeak-ng -v mb-us1 -w {out} {text}",
    },
}
"""Synthesisers of another kind, by language; `{out}` is a WAV file."""

RATES_WPM = (130, 200)
PITCHES = (30, 70)
SPEAKERS = 24
"""Voices of a group, so that no voice weighs much."""
SILENT = 10 ** (-36 / 20)
"""Of the peak: what synthesisers breathe at either end of a sentence lies below it."""
PATIENCE_S = 20.0
"""For one sentence of another program."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Something said: s16le mono at 16 kHz."""

    text: str
    speaker: str
    pcm: bytes


@dataclass(frozen=True, slots=True)
class _Line:
    text: str
    voice: str
    rate_wpm: int
    pitch: int


class Synthesiser:
    """Says sentences with the voices of a group. Made by `opened`."""

    def __init__(
        self, pool: ProcessPoolExecutor, language: str, seed: int, external: Mapping[str, str]
    ) -> None:
        self._pool = pool
        self._language = language
        self._seed = seed
        self._external = external

    @classmethod
    @contextmanager
    def opened(cls, language: str, seed: int, external: Mapping[str, str]) -> Iterator[Synthesiser]:
        """With its process, which ends with the block."""
        with tempfile.TemporaryDirectory(prefix="voices") as folder:
            data = lay_out(Path(folder), voices(), language)
            with ProcessPoolExecutor(
                1, mp_context=get_context("spawn"), initializer=_load, initargs=(data,)
            ) as pool:
                yield cls(pool, language, seed, external)

    def say(self, group: str, texts: Sequence[str]) -> list[Speech]:
        """`texts`, the group's voices in turn; the same for the same seed.

        Raises BenchError if a program does not speak.
        """
        if group in self._external:
            command = self._external[group]
            return [Speech(text, group, _run(command, text)) for text in texts]
        chance = random.Random(f"{group} {self._seed}")
        chosen = [voice for voice in voices() if voice.unseen == (group == UNSEEN)]
        names = [_named(voice, self._language, chance) for voice in chosen]
        chance.shuffle(names)
        names = names[:SPEAKERS]
        lines = [
            _Line(
                text,
                names[index % len(names)],
                chance.randint(*RATES_WPM),
                chance.randint(*PITCHES),
            )
            for index, text in enumerate(texts)
        ]
        sounds = self._pool.map(_speak, lines, chunksize=16)
        return [Speech(line.text, line.voice, pcm) for line, pcm in zip(lines, sounds, strict=True)]


def available(language: str, commands: Mapping[str, str]) -> dict[str, str]:
    """Those of `commands` that speak here."""
    found = {}
    for name, command in {**EXTERNAL.get(language, {}), **commands}.items():
        try:
            if name in commands or shutil.which(shlex.split(command)[0]):
                _run(command, "un" if language == "fr" else "one")
                found[name] = command
        except BenchError:
            if name in commands:
                raise
    return found


def human(folder: Path) -> list[Speech]:
    """Recordings with a transcript (``x.wav`` or ``x.ogg`` beside ``x.txt``); none if there is no
    such folder. Raises BenchError for one that cannot be read."""
    found = []
    for path in sorted(folder.rglob("*.txt")):
        sounds = [
            path.with_suffix(end) for end in (".wav", ".ogg") if path.with_suffix(end).exists()
        ]
        if sounds:
            pcm = _wav(sounds[0]) if sounds[0].suffix == ".wav" else _decoded(sounds[0])
            found.append(Speech(path.read_text("utf-8").strip(), path.stem, pcm))
    return found


def _named(voice: Voice, language: str, chance: random.Random) -> str:
    return f"{chance.choice(ACCENTS[language])}+{voice.name}"


def _run(command: str, text: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "said.wav"
        words = [word.format(out=out, text=text) for word in shlex.split(command)]
        try:
            subprocess.run(words, check=True, capture_output=True, timeout=PATIENCE_S)
            return _trimmed(_wav(out))
        except (OSError, subprocess.SubprocessError) as error:
            raise BenchError(
                f"{command!r} did not speak ({error}); it needs {{out}}, a WAV file to write, "
                "and {text}"
            ) from error


def _wav(path: Path) -> bytes:
    try:
        with wave.open(str(path)) as file:
            if (file.getnchannels(), file.getsampwidth()) != (1, 2):
                raise BenchError(f"{path} is not mono of 16 bits; convert it")
            pcm = file.readframes(file.getnframes())
            return StreamResampler(file.getframerate(), RATE_HZ).feed(pcm, last=True)
    except (OSError, EOFError, wave.Error) as error:
        raise BenchError(f"{path} cannot be read as WAV: {error}") from error


def _decoded(path: Path) -> bytes:
    """Any format that PyAV reads (extra `webrtc`)."""
    try:
        import av
    except ImportError as error:
        raise BenchError(
            f"{path} needs PyAV: pip install 'palabre[webrtc]', or convert it to WAV"
        ) from error
    resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    pcm = bytearray()
    with av.open(str(path)) as container:
        frames: list[Any] = [*container.decode(audio=0), None]
        for frame in frames:
            for out in resampler.resample(frame):
                pcm += out.to_ndarray().tobytes()
    return bytes(pcm)


def _trimmed(pcm: bytes) -> bytes:
    """From the first sound to the last."""
    samples = np.frombuffer(pcm, "<i2")
    level = np.abs(samples.astype(np.int32))
    loud = np.flatnonzero(level > level.max(initial=0) * SILENT)
    return samples[loud[0] : loud[-1] + 1].tobytes() if loud.size else b""


# In the process of espeak-ng

_library: Any = None


def _load(data: Path) -> None:
    global _library  # noqa: PLW0603 (one in a process, as the library itself)
    from pipelines.speech.espeak import Library

    _library = Library(data)


def _speak(line: _Line) -> bytes:
    from pipelines.speech.espeak import EspeakVoice
    from pipelines.speech.kaldi.phones import speakable

    voice = EspeakVoice(line.voice, line.rate_wpm, line.pitch)
    pcm, _ = _library.trace(speakable(line.text), voice)
    return _trimmed(StreamResampler(_library.rate_hz, RATE_HZ).feed(pcm, last=True))
