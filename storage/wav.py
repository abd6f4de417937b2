"""A WAV file that is written while it grows: whole at every moment but for its lengths."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from engine.errors import StoreError

__all__ = ["WavFile"]

UNKNOWN = 0xFFFFFFFF
"""As a length: read until the end. Programs take it so, and it stands there while we write."""
MOST_BYTES = UNKNOWN - 1024
"""Of a RIFF file: 18 hours of stereo at 16 kHz."""


class WavFile:
    """s16le in `channels` interleaved channels, in a file that only its owner may read.

    Its methods wait for the disk. Raises StoreError where it cannot be written.
    """

    def __init__(self, path: Path, rate_hz: int, channels: int) -> None:
        self.path = path
        self._rate_hz = rate_hz
        self._channels = channels
        self._bytes = 0
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise self._cannot(error) from error
        self._file = os.fdopen(descriptor, "wb")
        self.write(b"", header=self._header(UNKNOWN))

    def write(self, pcm: bytes, *, header: bytes = b"") -> None:
        """Append sound."""
        if self._bytes + len(pcm) > MOST_BYTES:
            return
        try:
            self._file.write(header + pcm)
            self._file.flush()
        except OSError as error:
            raise self._cannot(error) from error
        self._bytes += len(pcm)

    def close(self) -> None:
        """Note how long it is."""
        try:
            with self._file:
                self._file.seek(0)
                self._file.write(self._header(self._bytes))
        except OSError as error:
            raise self._cannot(error) from error

    def _header(self, size: int) -> bytes:
        """Of the "Multimedia Programming Interface" of 1991: RIFF, fmt, data."""
        frame = 2 * self._channels
        whole = UNKNOWN if size == UNKNOWN else size + 36
        form = struct.pack(
            "<IHHIIHH", 16, 1, self._channels, self._rate_hz, self._rate_hz * frame, frame, 16
        )
        data = b"data" + struct.pack("<I", size)
        return b"RIFF" + struct.pack("<I", whole) + b"WAVEfmt " + form + data

    def _cannot(self, error: OSError) -> StoreError:
        why = error.strerror or str(error)
        return StoreError(f"cannot record to {self.path.parent}: {why}; check PALABRE_RECORDINGS")
