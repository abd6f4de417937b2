"""Records a call, both sides, from when its flow says so until it says so or the call is over."""

from __future__ import annotations

import asyncio
from pathlib import Path

import structlog

from engine.channel import AudioChannel, Receiver
from engine.clock import Clock
from engine.errors import StoreError
from engine.frames import Audio, Frame
from pipelines.audio.tape import StereoTape
from storage.wav import WavFile

__all__ = ["Recorder"]

log = structlog.get_logger()

WRITE_S = 1.0
"""How often sound goes to the disk; what a killed engine loses."""
LATE_S = 0.5
"""How late the sound of the person may come, by jitter, and still be where it belongs."""


class Recorder:
    """`channel`, and what goes over it on a file in `folder` while `start`ed.

    A recording that cannot be written ends, and is logged; the call goes on.
    """

    def __init__(self, channel: AudioChannel, session_id: str, folder: Path, clock: Clock) -> None:
        self.capabilities = channel.capabilities
        self.send = channel.send
        self.close = channel.close
        self._channel = channel
        self._session_id = session_id
        self._folder = folder
        self._clock = clock
        self._count = 0
        self._tape: StereoTape | None = None
        self._file: WavFile | None = None
        self._writing: asyncio.Task[None] | None = None

    # Recording

    def start(self) -> None:
        """From now on; nothing where it runs already."""
        if self._tape is not None:
            return
        self._count += 1
        name = f"{self._session_id}-{self._count}.wav"
        rate_hz = self.capabilities.rate_hz
        try:
            self._file = WavFile(self._folder / name, rate_hz, 2)
        except StoreError as error:
            self._failed(error)
            return
        self._tape = StereoTape(rate_hz, self._clock.now())
        self._writing = asyncio.create_task(self._write(), name="recording")
        log.info("recording.started", call_id=self._session_id)

    def stop(self) -> None:
        """Until now; nothing where none runs."""
        tape, self._tape = self._tape, None
        file, self._file = self._file, None
        if self._writing is not None:
            self._writing.cancel()
        if tape is None or file is None:
            return
        try:
            file.write(tape.take(self._clock.now()))
            file.close()
        except StoreError as error:
            self._failed(error)
        log.info("recording.ended", call_id=self._session_id)

    async def over(self) -> None:
        """The call is over, and so is its recording."""
        self.stop()
        if self._writing is not None:
            await asyncio.wait({self._writing})

    async def _write(self) -> None:
        while True:
            await asyncio.sleep(WRITE_S)
            tape, file = self._tape, self._file
            if tape is None or file is None:
                return
            try:
                # A second of sound into the page cache: 30 µs, and no thread to wait for.
                file.write(tape.take(self._clock.now() - LATE_S))
            except StoreError as error:
                self._failed(error)
                self._tape = None
                return

    def _failed(self, error: StoreError) -> None:
        log.error("recording.failed", call_id=self._session_id, problem=str(error))

    # The channel

    def attach(self, receiver: Receiver) -> None:
        def hear(frame: Frame) -> None:
            if self._tape is not None and isinstance(frame, Audio):
                self._tape.heard(frame)
            receiver(frame)

        self._channel.attach(hear)

    def play(self, pcm: bytes) -> None:
        if self._tape is not None:
            self._tape.played(pcm, self._clock.now())
        self._channel.play(pcm)

    def pause(self, epoch: int) -> None:
        if self._tape is not None and self.capabilities.pause:
            self._tape.paused(self._clock.now())
        self._channel.pause(epoch)

    def resume(self, epoch: int) -> None:
        if self._tape is not None:
            self._tape.resumed(self._clock.now())
        self._channel.resume(epoch)

    def clear(self, epoch: int) -> None:
        if self._tape is not None and self.capabilities.clear:
            self._tape.cleared(self._clock.now())
        self._channel.clear(epoch)
