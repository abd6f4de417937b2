"""Who speaks: espeak-ng voices that were learnt from or not, other synthesisers, people."""

from __future__ import annotations

import json
import random
import shlex
import shutil
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.accuracy.voice import trimmed
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
ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 20.0
"""For one sentence of another program."""


@dataclass(frozen=True, slots=True)
class Speech:
    """Something said: s16le mono at 16 kHz."""

    text: str
    speaker: str
    pcm: bytes


class Synthesiser:
    """Says sentences with the voices of a group. Made by `opened`."""

    def __init__(
        self,
        espeak: subprocess.Popen[bytes],
        language: str,
        seed: int,
        external: Mapping[str, str],
    ) -> None:
        self._espeak = espeak
        self._language = language
        self._seed = seed
        self._external = external

    @classmethod
    @contextmanager
    def opened(cls, language: str, seed: int, external: Mapping[str, str]) -> Iterator[Synthesiser]:
        """With its process, which ends with the block."""
        with tempfile.TemporaryDirectory(prefix="voices") as folder:
            data = lay_out(Path(folder), voices(), language)
            command = [sys.executable, "-m", "bench.accuracy.voice", str(data)]
            pipe = subprocess.PIPE
            with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe) as espeak:
                try:
                    yield cls(espeak, language, seed, external)
                finally:
                    espeak.kill()

    def say(self, group: str, texts: Sequence[str]) -> list[Speech]:
        """`texts`, the group's voices in turn: who says what and how fast goes by the seed, only
        espeak-ng's own breath is new each time.

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
        said = []
        for index, text in enumerate(texts):
            voice = names[index % len(names)]
            pcm = self._speak(text, voice, chance.randint(*RATES_WPM), chance.randint(*PITCHES))
            said.append(Speech(text, voice, pcm))
        return said

    def _speak(self, text: str, voice: str, rate_wpm: int, pitch: int) -> bytes:
        """See `bench.accuracy.voice`."""
        to, back = self._espeak.stdin, self._espeak.stdout
        assert to is not None
        assert back is not None
        try:
            to.write(json.dumps([text, voice, rate_wpm, pitch]).encode() + b"\n")
            to.flush()
        except BrokenPipeError as error:
            raise BenchError("espeak-ng ended; what it wrote above says why") from error
        size = back.read(4)
        pcm = back.read(int.from_bytes(size, "little"))
        if not pcm:
            raise BenchError(f"espeak-ng spoke nothing for {text!r} as {voice}")
        return pcm


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
            return trimmed(_wav(out))
        except (OSError, subprocess.SubprocessError, BenchError) as error:
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
