"""Comfort noise: what is heard where nobody speaks, on channels whose far end plays nothing then.

Digital silence sounds like a line that has gone dead. Channels that fill it themselves (telephones,
RFC 3389) leave the capability off, and then nothing of this is made.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from engine.channel import AudioChannel
from pipelines.audio.playout import Playout
from pipelines.audio.ticker import TICK_S, Ticker

__all__ = ["LEVEL_DBFS", "ComfortNoise", "noise"]

LEVEL_DBFS = -65.0
"""Audible as a line that is open, 40 dB below speech. RFC 3389 carries levels from 0 to -127."""

LOOP_S = 4.0
"""Long enough that nobody hears it come round."""

SLOPE_DB_PER_OCTAVE = -5.0
"""Of Hoth noise, which stands for a quiet room in ITU-T P.800, annex A."""

FROM_HZ = 100.0


@cache
def noise(rate_hz: int) -> bytes:
    """`LOOP_S` of it, s16le; its end continues in its beginning."""
    samples = round(LOOP_S * rate_hz)
    hz = np.fft.rfftfreq(samples, 1 / rate_hz)
    power = np.zeros(hz.size)
    heard = hz >= FROM_HZ
    power[heard] = 10 ** (SLOPE_DB_PER_OCTAVE * np.log2(hz[heard] / FROM_HZ) / 10)
    phases = np.random.default_rng(3389).uniform(0, 2 * np.pi, hz.size)
    sound = np.fft.irfft(np.sqrt(power) * np.exp(1j * phases), samples)
    sound *= 32768 * 10 ** (LEVEL_DBFS / 20) / np.sqrt(np.square(sound).mean())
    return np.round(sound).astype("<i2").tobytes()


class ComfortNoise:
    """The noise of one call on `channel`: 20 ms at a time while `playout` plays nothing, also while
    the user speaks; but not in the pause of a turn. Needs a running loop from `start` to `stop`."""

    def __init__(self, channel: AudioChannel, playout: Playout, ticker: Ticker) -> None:
        self._channel = channel
        self._playout = playout
        self._ticker = ticker
        self._pcm = noise(channel.capabilities.rate_hz)
        self._size = round(channel.capabilities.rate_hz * TICK_S) * 2
        self._at = 0
        self.sent_ms = 0.0
        """So far; nothing of it counts as said."""

    def start(self) -> None:
        self._ticker.add(self, self.tick)

    def stop(self) -> None:
        self._ticker.remove(self)

    def tick(self, now: float) -> None:
        """Every 20 ms."""
        if self._playout.playing or self._playout.paused:
            return
        self._channel.play(self._pcm[self._at : self._at + self._size])
        self._at = (self._at + self._size) % len(self._pcm)
        self.sent_ms += TICK_S * 1000
        self._playout.free_at = now + TICK_S
