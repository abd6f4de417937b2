"""Recordings: WAV files in, stereo WAV files out."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np

from server.talk.line import RATE_HZ

__all__ = ["RecordingError", "read_wav", "write_stereo"]

LONGEST_S = 600


class RecordingError(Exception):
    """The file cannot be played; the message says how to make one that can."""


def _convert(path: Path) -> str:
    return f"convert it: ffmpeg -i {path} -ac 1 -ar 16000 -c:a pcm_s16le {path.stem}-16k.wav"


def read_wav(path: Path) -> bytes:
    """The sound of a WAV file of integers, any rate, any channels: s16le mono at 16 kHz.

    Raises RecordingError for any other file.
    """
    try:
        with wave.open(str(path), "rb") as file:
            channels, width = file.getnchannels(), file.getsampwidth()
            rate_hz, frames = file.getframerate(), file.getnframes()
            if rate_hz <= 0 or frames / rate_hz > LONGEST_S:
                raise RecordingError(f"{path} is longer than {LONGEST_S // 60} minutes; cut it")
            data = file.readframes(frames)
    except OSError as error:
        raise RecordingError(f"{path} cannot be read: {error.strerror}") from None
    except (wave.Error, EOFError) as error:
        reason = str(error) or "it ends too soon"
        raise RecordingError(f"{path} is no WAV of integers ({reason}); {_convert(path)}") from None
    if width not in (1, 2, 3, 4):
        raise RecordingError(f"{path} has samples of {width} bytes; {_convert(path)}")
    samples = _samples(data[: len(data) // (width * channels) * width * channels], width)
    mono = samples.reshape(-1, channels).mean(axis=1)
    if not mono.size:
        raise RecordingError(f"{path} holds no sound")
    if rate_hz != RATE_HZ:
        import soxr

        mono = soxr.resample(mono, rate_hz, RATE_HZ)
    pcm: bytes = np.clip(np.rint(mono * 32768), -32768, 32767).astype("<i2").tobytes()
    return pcm


def _samples(data: bytes, width: int) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Samples from -1 to 1. WAV keeps 8 bits unsigned, the wider ones signed and little-endian."""
    if width == 1:
        return (np.frombuffer(data, "u1").astype(np.float64) - 128) / 128
    if width == 3:
        bytes_ = np.frombuffer(data, "u1").reshape(-1, 3)
        wide = np.zeros((bytes_.shape[0], 4), "u1")
        wide[:, 1:] = bytes_
        return wide.reshape(-1).view("<i4").astype(np.float64) / 2**31
    return np.frombuffer(data, f"<i{width}").astype(np.float64) / float(2 ** (8 * width - 1))


def write_stereo(path: Path, left: bytes, right: bytes) -> None:
    """Two tracks of s16le at 16 kHz that began together; the shorter one is silent to the end."""
    length = max(len(left), len(right)) // 2
    both = np.zeros((length, 2), "<i2")
    for column, track in enumerate((left, right)):
        samples = np.frombuffer(track, "<i2")
        both[: samples.size, column] = samples
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(both.tobytes())
