"""What is spoken in the rig, synthesised once and in one order.

espeak-ng carries something over from line to line, and is random besides: a line sounds a little
different each time. With a seed, the same lines in the same order in a new process sound the same,
so that is how they are made; a file in the cache saves it to the next process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

import numpy as np

from pipelines.mind import arrays
from pipelines.speech.espeak import EspeakVoice, library
from pipelines.workers import pool
from scenarios.script import load
from server.sim.phrases import spoken

__all__ = ["OURS", "SCENARIO", "VOICES", "pcm", "prepare"]

SCENARIO = Path(__file__).with_name("scenario.yaml")

VOICES = ("fr+m1", "fr+f2", "fr+m3")
"""Of callers."""
OURS = "fr"

Line = tuple[str, str]
"""Voice and text."""


def pcm(text: str, voice: str) -> bytes:
    """s16le at 16 kHz. Raises KeyError for what nobody says in the rig."""
    return prepare()[voice, text]


def _made(cache_dir: Path | None) -> Mapping[Line, bytes]:
    lines = _lines()
    parts = repr((lines, version("espeakng-loader"), version("soxr"))).encode()
    path = cache_dir and cache_dir / f"sim-{hashlib.sha256(parts).hexdigest()[:16]}.npz"
    stored = arrays.load(path) if path else None
    if stored is None:
        with pool(1) as process:
            made = process.submit(_synthesise, lines).result()
        stored = {f"{n:04}": np.frombuffer(sound, "<i2") for n, sound in enumerate(made)}
        if path:
            arrays.save(path, stored)
    return {line: stored[f"{n:04}"].tobytes() for n, line in enumerate(lines)}


_spoken: dict[Line, bytes] = {}


def prepare(cache_dir: Path | None = None) -> Mapping[Line, bytes]:
    """Everything, out of `cache_dir` or made now (2 s). Once in a process."""
    if not _spoken:
        _spoken.update(_made(cache_dir))
    return _spoken


def _lines() -> list[Line]:
    lines = [(voice, text) for voice in VOICES for text in spoken()]
    return lines + [(OURS, text) for text in load(SCENARIO).lines()]


def _synthesise(lines: Sequence[Line]) -> list[bytes]:
    return [_say(text, voice) for voice, text in lines]


def _say(text: str, voice: str) -> bytes:
    """As `pipelines.speech.espeak.synthesise`, but for soxr's dither: it is random as well."""
    import soxr

    espeak = library()
    espeak.seed(1)
    spoken_pcm = bytearray()

    def take(piece: bytes) -> bool:
        spoken_pcm.extend(piece)
        return True

    espeak.speak(text, EspeakVoice(voice), take)
    spoken_at = np.frombuffer(spoken_pcm, "<i2").astype(np.float32)
    sound = np.rint(soxr.resample(spoken_at, espeak.rate_hz, 16000)).clip(-32768, 32767)
    heard = np.flatnonzero(sound)
    return sound[heard[0] : heard[-1] + 1].astype("<i2").tobytes() if heard.size else b""
