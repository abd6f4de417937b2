"""espeak-ng with voices of a data folder of its own: a program, because the library is one global
state in a process.

    python -m bench.accuracy.voice DATA

Reads a line of JSON for each sentence, and writes its sound: s16le mono at 16 kHz from the first
sound to the last, after its length in bytes (4 bytes, little-endian).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from pipelines.audio.resample import RATE_HZ, StreamResampler
from pipelines.speech.espeak import EspeakVoice, Library
from pipelines.speech.kaldi.phones import speakable

__all__ = ["trimmed"]

SILENT = 10 ** (-36 / 20)
"""Of the peak: what synthesisers breathe at either end of a sentence lies below it."""


def trimmed(pcm: bytes) -> bytes:
    """s16le from the first sound to the last; nothing of silence."""
    samples = np.frombuffer(pcm, "<i2")
    level = np.abs(samples.astype(np.int32))
    loud = np.flatnonzero(level > level.max(initial=0) * SILENT)
    return samples[loud[0] : loud[-1] + 1].tobytes() if loud.size else b""


def main() -> None:
    """See the module's docstring."""
    library = Library(Path(sys.argv[1]))
    for line in sys.stdin:
        text, voice, rate_wpm, pitch = json.loads(line)
        pcm, _ = library.trace(speakable(text), EspeakVoice(voice, rate_wpm, pitch))
        said = trimmed(StreamResampler(library.rate_hz, RATE_HZ).feed(pcm, last=True))
        sys.stdout.buffer.write(len(said).to_bytes(4, "little") + said)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
