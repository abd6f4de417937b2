"""Our voice as a track that aiortc sends: it pulls 20 ms when they are due, and is the clock of it.

While there is nothing to hear it sends nothing but a sign of life each 400 ms, as Opus does when it
stops transmitting (RFC 7587, 3.1.3): half of a call costs no encoding and no packets.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from engine.clock import Clock
from telephony.webrtc.opus import ENCODED_HZ, pause
from telephony.webrtc.playout import FRAME_MS

__all__ = ["PacedTrack", "SoundEncoder"]

FRAME_S = FRAME_MS / 1000
RTP_HZ = 48000
"""The clock of Opus's timestamps, whatever it encodes (RFC 7587, 4.1)."""
PER_FRAME = RTP_HZ * FRAME_MS // 1000

TAIL_FRAMES = 5
"""Frames of silence after the last sound: the encoder is 6.5 ms behind, and a receiver that holds
frames back until more have come (aiortc's, four) gives them all out."""

QUIET_S = 0.4
"""Between signs of life (RFC 7587, 3.1.3)."""

SILENCE = bytes(ENCODED_HZ * FRAME_MS // 1000 * 2)

LATE_S = 1.0
"""A track this late does not catch up: what is so old is of no turn that goes on."""


class SoundEncoder(Protocol):
    """20 ms of sound to a packet (`telephony.webrtc.opus.Encoder`)."""

    def encode(self, pcm: bytes) -> bytes: ...


class PacedTrack:
    """`pull` gives the next 20 ms, or nothing; `wake` is set when there is something again."""

    def __init__(
        self,
        pull: Callable[[], bytes],
        wake: asyncio.Event,
        encoder: SoundEncoder,
        clock: Clock,
    ) -> None:
        self._pull = pull
        self._wake = wake
        self._encoder = encoder
        self._clock = clock
        self._due = clock.now()
        self._timestamp = 0  # of the frame that is due
        self._tail = 0
        self._mode = b""

    async def next(self) -> tuple[bytes, int]:
        """A packet and its timestamp, when it is time to send it. Cancelling loses nothing but the
        wait."""
        while True:
            await self._until_due()
            pcm = self._pull()
            timestamp = self._timestamp
            self._due += FRAME_S
            self._timestamp += PER_FRAME
            if pcm:
                self._tail = TAIL_FRAMES
            elif self._tail:
                self._tail -= 1
                pcm = SILENCE
            else:
                if await self._something(self._due - FRAME_S + QUIET_S):
                    continue
                if not self._mode:
                    continue  # nothing was ever said
                timestamp = self._timestamp
                self._due += FRAME_S
                self._timestamp += PER_FRAME
                return pause(self._mode), timestamp
            self._mode = self._encoder.encode(pcm)
            return self._mode, timestamp

    async def _until_due(self) -> None:
        now = self._clock.now()
        if self._due > now:
            await asyncio.sleep(self._due - now)
        elif now - self._due > LATE_S:
            self._skip_to(now)

    async def _something(self, until: float) -> bool:
        """Wait for something to pull, and be due at once then; false if there was nothing."""
        self._wake.clear()
        try:
            async with asyncio.timeout(until - self._clock.now()):
                await self._wake.wait()
        except TimeoutError:
            return False
        finally:
            self._skip_to(self._clock.now())
        return True

    def _skip_to(self, now: float) -> None:
        """Nothing was sent for a while, and its timestamps are left out."""
        skipped_s = now - self._due
        if skipped_s > 0:
            self._due = now
            self._timestamp += round(skipped_s * RTP_HZ)
