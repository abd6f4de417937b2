"""Voice activity of 20 ms of sound."""

from __future__ import annotations

from functools import partial
from typing import Protocol

__all__ = ["FRAME_BYTES", "Vad", "WebRtcVad"]

FRAME_BYTES = 640
"""20 ms of s16le mono at 16 kHz."""


class Vad(Protocol):
    """Says of a frame whether it is speech."""

    def is_speech(self, frame: bytes) -> bool:
        """`frame` is 20 ms of s16le mono at 16 kHz (640 bytes)."""
        ...


class WebRtcVad:
    """The VAD of WebRTC; `mode` 0 (takes nearly all for speech) to 3 (is hard to please)."""

    def __init__(self, mode: int = 2) -> None:
        import webrtcvad

        self.is_speech = partial(webrtcvad.Vad(mode).is_speech, sample_rate=16000)
