"""A WebRTC call as a channel: frames on one side, a queue that the peer's track pulls on the other.

The far end is the track that sends: what it pulled is played. It is ours, so pauses, clears and
marks need no answer from the browser; what is said about the call goes over the data channel, as
the messages of the media WebSocket (docs/protocols/media.md).
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from engine.channel import Capabilities
from engine.clock import Clock
from engine.errors import ProtocolError
from engine.frames import Cleared, Dtmf, Frame, Hangup, Mark, Notice, Played, Say
from telephony.inlet import Inlet
from telephony.media.protocol import MediaDecoder, encode
from telephony.webrtc.playout import PlayoutQueue

__all__ = ["RATE_HZ", "DataChannel", "WebRtcChannel"]

RATE_HZ = 16000
"""Both ways: what Opus is encoded from, and what its sound is resampled to."""

LEAD_S = 0.06
"""Three frames wait for the track, so that its clock and the playout's may differ by two."""

MOST_WAITING_BYTES = 1024 * 1024
"""What may wait in the data channel, as on the media WebSocket: then nobody reads it."""

NOTICES_PER_S = 1.0
"""A client that sends nothing but faults is told once a second; the rest is counted."""


class DataChannel(Protocol):
    """Text to the client, in order. Sending never waits; before it is open, messages wait."""

    @property
    def waiting_bytes(self) -> int: ...

    def send(self, text: str) -> None: ...


class WebRtcChannel:
    """One call's way to a peer. Whoever holds the call lets go of the peer when it is over."""

    def __init__(self, clock: Clock, data: DataChannel) -> None:
        self.capabilities = Capabilities(
            rate_hz=RATE_HZ, mark=True, clear=True, pause=True, lead_s=LEAD_S
        )
        self.dropped = 0
        """Always 0: the queue is pulled in real time, whether or not the network carries it."""
        self.inlet = Inlet()
        self.attach = self.inlet.attach
        self.lost = self.inlet.lost
        self.wake = asyncio.Event()
        """Set when a track that had nothing to send has something to pull."""
        self._clock = clock
        self._data = data
        self._queue = PlayoutQueue(RATE_HZ)
        self._decoder = MediaDecoder(RATE_HZ)
        self._noticed_at: dict[str, float] = {}

    # From the peer

    def heard(self, frame: Frame) -> None:
        """Sound, a key or a hang-up came."""
        if not self.inlet.closed:
            self.inlet.deliver(frame)

    def told(self, message: str | bytes) -> None:
        """A message came over the data channel."""
        if self.inlet.closed:
            return
        now = self._clock.now()
        try:
            self.inlet.deliver(self._understood(message, now))
        except ProtocolError as error:
            self.inlet.faults[error.code] += 1
            last = self._noticed_at.get(error.code)
            if last is None or now - last >= NOTICES_PER_S:
                self._noticed_at[error.code] = now
                self.send(Notice(error.code, str(error)))

    def _understood(self, message: str | bytes, now: float) -> Frame:
        if isinstance(message, bytes):
            raise ProtocolError("message.not_text", "send text: sound goes over the audio track")
        frame = self._decoder.control(message, now)
        if isinstance(frame, Dtmf | Hangup):
            return frame
        # What was played is what our track sent: nobody else can say.
        raise ProtocolError("message.unknown", "known types: dtmf, hangup; it was ignored")

    # To the peer

    def pull(self) -> bytes:
        """The next frame of sound for the track, which calls this every 20 ms; empty where there
        is nothing to hear. What it reaches is told."""
        if self.inlet.closed:
            return b""
        frame, reached = self._queue.pull()
        now = self._clock.now()
        for name in reached:
            self._tell(Mark(name))
            self.heard(Played(name, now))
        return frame

    def send(self, frame: Frame) -> None:
        if self.inlet.closed:
            return
        match frame:
            case Mark(name=name):
                self._queue.mark(name)
                self.wake.set()
                return  # it is told when it is reached
            case Say(epoch=epoch):
                self._queue.turn = epoch
        self._tell(frame)

    def _tell(self, frame: Frame) -> None:
        text = encode(frame)
        if text is None:
            return
        self._data.send(text)
        if self._data.waiting_bytes > MOST_WAITING_BYTES:
            asyncio.get_running_loop().call_soon(self._stalled)

    def _stalled(self) -> None:
        if not self.inlet.closed:
            self.lost("stalled", "client.stalled")

    def play(self, pcm: bytes) -> None:
        if not self.inlet.closed:
            self._queue.sound(pcm)
            self.wake.set()

    def pause(self, epoch: int) -> None:
        if not self.inlet.closed:
            self._queue.paused = True
            self._answer(epoch)

    def resume(self, epoch: int) -> None:
        if not self.inlet.closed:
            self._queue.paused = False
            self.wake.set()

    def clear(self, epoch: int) -> None:
        if not self.inlet.closed:
            self._queue.clear(epoch)
            self._answer(epoch)
            self.wake.set()  # marks of other turns may be next

    def _answer(self, epoch: int) -> None:
        """Say where the far end stands; not within the call that asks."""
        cleared = Cleared(epoch, self._queue.played_ms(epoch), self._clock.now())
        asyncio.get_running_loop().call_soon(self.heard, cleared)

    def close(self, reason: str) -> None:
        """Hang up with `reason`."""
        if self.inlet.close():
            self._tell(Hangup(reason))

    def fail(self, code: str, message: str) -> None:
        """Tell a fault that ends the call, and close."""
        if self.inlet.close(code):
            self._tell(Notice(code, message, fatal=True))
