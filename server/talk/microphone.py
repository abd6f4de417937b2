"""A person at a microphone, through the optional package `sounddevice`."""

from __future__ import annotations

import importlib
from collections import deque
from types import TracebackType
from typing import Any

from server.talk.caller import HangUp
from server.talk.far_end import FarEnd, Message
from server.talk.line import FRAME, RATE_HZ
from server.talk.person import Spoken

__all__ = ["Microphone", "MicrophoneError"]

BEHIND = 5
"""Frames that may wait on either side: 100 ms, then the oldest go, so that a device whose clock is
a little off does not drift away."""


class MicrophoneError(Exception):
    """There is no microphone to be used; the message says what to do."""


class Microphone:
    """Sends what the microphone takes and plays on the loudspeaker what the far end plays. Use
    headphones: nothing here cancels an echo."""

    def __init__(self) -> None:
        try:
            sounddevice = importlib.import_module("sounddevice")
        except ImportError:
            raise MicrophoneError(
                "--mic needs the package sounddevice; install it with: "
                ".venv/bin/pip install 'palabre[mic]'"
            ) from None
        except OSError as error:
            raise MicrophoneError(
                f"--mic needs PortAudio ({error}); install it: apt install libportaudio2"
            ) from None
        self._taken: deque[bytes] = deque(maxlen=BEHIND)
        self._to_play: deque[bytes] = deque(maxlen=BEHIND)
        try:
            self._stream = sounddevice.RawStream(
                RATE_HZ, FRAME, channels=1, dtype="int16", callback=self._exchange
            )
        except (sounddevice.PortAudioError, ValueError) as error:
            raise MicrophoneError(
                f"no microphone or loudspeaker can be opened ({error}); "
                "`python -m sounddevice` lists the devices"
            ) from None

    def __enter__(self) -> Microphone:
        self._stream.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stream.close()

    def _exchange(self, taken: Any, to_play: Any, frames: int, time: Any, status: Any) -> None:
        """Runs in PortAudio's thread: the two queues are all that is shared."""
        self._taken.append(bytes(taken))
        sound = self._to_play.popleft() if self._to_play else b""
        to_play[:] = sound[: 2 * frames].ljust(2 * frames, b"\0")

    def play(self, pcm: bytes) -> None:
        """Take what the far end has played since the last time."""
        for at in range(0, len(pcm), 2 * FRAME):
            self._to_play.append(pcm[at : at + 2 * FRAME])

    def hear(self, message: Message) -> None:
        pass

    def frame(self, far: FarEnd, now: float) -> bytes | HangUp:
        return self._taken.popleft() if self._taken else bytes(2 * FRAME)

    def spoken(self) -> list[Spoken]:
        return []
