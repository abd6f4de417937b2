"""Playout: sends a turn's sound in frames of 20 ms against absolute deadlines.

Each frame is due when the far end should play it, and goes out up to the channel's lead before
that, so that a stall shorter than the lead is not heard and a longer one is caught up. What was
played is what the far end acknowledged, or, where it cannot, what was due.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from engine.channel import AudioChannel
from engine.frames import BYTES_PER_SAMPLE, Mark
from pipelines.audio.resample import StreamResampler
from pipelines.audio.ticker import TICK_S, Ticker

__all__ = ["Playout"]

ACK_PATIENCE_S = 2.0
"""How long after its time a mark may be acknowledged before it is taken as played: longer than
any playout buffer we feed, shorter than a person waits for an answer."""

RECENT = 56
"""Frames of sound that are kept to know their echo by: 1.1 s (`pipelines.turns.echo`)."""

ROUNDING_S = 1e-6
"""Deadlines are sums of 20 ms and carry their rounding."""


class Playout:
    """The way of one call's sound to the far end, ticked while there is any.

    Sound is written at `rate_hz` and sent at the channel's. `on_played(name, at)` is told each
    mark that the far end has reached.
    """

    def __init__(
        self,
        channel: AudioChannel,
        rate_hz: int,
        ticker: Ticker,
        on_played: Callable[[str, float], None],
    ) -> None:
        capabilities = channel.capabilities
        self._channel = channel
        self._marks_back = capabilities.mark
        self._far_end_holds = capabilities.pause
        self._lead_s = capabilities.lead_s
        self._frame_bytes = round(capabilities.rate_hz * TICK_S) * BYTES_PER_SAMPLE
        self._on_played = on_played
        self._ticker = ticker
        self._rate_hz = rate_hz
        self._resampler: StreamResampler | None = None
        self.epoch = 0
        self.held = False
        self._held_at = 0.0
        self._paused: int | None = None  # the turn that the far end was told to hold
        self.underruns = 0
        self.free_at = 0.0
        """When the far end has played what was sent to it of no turn (comfort noise)."""
        self.asked = 0
        """How often the far end was asked where it stands: it answers each hold and clear."""
        self.started_at = 0.0
        """When the first sound of the last turn that sounded went out."""
        self._recent: deque[tuple[float, bytes]] = deque(maxlen=RECENT)
        self._reset()

    def _reset(self) -> None:
        self._buffer = bytearray()
        self._written = 0  # bytes of this turn, at the channel's rate
        self._sent = 0
        self._started = False
        self._ended = False
        self._dry = False
        self._due = 0.0
        self._unsent: deque[tuple[int, str]] = deque()
        self._awaited: deque[tuple[float, str]] = deque()
        if self._channel.capabilities.rate_hz != self._rate_hz:
            self._resampler = StreamResampler(self._rate_hz, self._channel.capabilities.rate_hz)

    # Writing a turn

    def begin(self, epoch: int) -> None:
        """A new turn: the sound of earlier ones is gone for good."""
        self._reset()
        self.epoch = epoch
        self.asked = 0
        self._ticker.add(self, self.tick)

    def write(self, epoch: int, pcm: bytes, now: float) -> None:
        """Append sound of turn `epoch`; that of any other turn is dropped."""
        if epoch != self.epoch or self._ended:
            return
        if self._resampler is not None:
            pcm = self._resampler.feed(pcm)
        self._buffer += pcm
        self._written += len(pcm)
        self.tick(now)

    def mark(self, name: str) -> None:
        """Be told when everything written so far has been played."""
        self._unsent.append((self._written, name))

    def end(self, epoch: int, now: float) -> None:
        """The turn has no more sound."""
        if epoch != self.epoch or self._ended:
            return
        if self._resampler is not None:
            rest = self._resampler.feed(b"", last=True)
            self._buffer += rest
            self._written += len(rest)
        if padding := -self._written % self._frame_bytes:
            self._buffer += bytes(padding)
        self._ended = True
        self.tick(now)

    def finish(self) -> None:
        """Everything was played."""
        self._reset()
        self.epoch = 0
        self._ticker.remove(self)

    # The far end

    @property
    def buffered_s(self) -> float:
        """Sound written and not yet sent."""
        return len(self._buffer) * TICK_S / self._frame_bytes

    @property
    def playing(self) -> bool:
        """There is sound of a turn that the far end has not played."""
        return self.epoch > 0 and (self._started or bool(self._buffer))

    @property
    def paused(self) -> bool:
        """A turn was held that the far end had begun to hear, and it was not told otherwise."""
        return self._paused is not None

    def played(self) -> list[tuple[float, bytes]]:
        """The sound that was sent last, whatever its turn, each frame with the time it was due;
        without what the far end holds."""
        if self.held and self._far_end_holds:
            return [piece for piece in self._recent if piece[0] < self._held_at]
        return list(self._recent)

    def played_ms(self, now: float) -> float:
        """How much of the turn the far end has played, by the pace."""
        sent_s = self._sent * TICK_S / self._frame_bytes
        frozen = self.held and self._far_end_holds
        ahead_s = max(0.0, self._due - (self._held_at if frozen else now))
        return max(0.0, sent_s - ahead_s) * 1000

    def hold(self, now: float) -> None:
        """Send no more, and have the far end hold what it has."""
        if self.held:
            return
        self.held = True
        self._held_at = now
        if self._started:
            self._paused = self.epoch
            self.asked += self._far_end_holds
            self._channel.pause(self.epoch)

    def release(self, now: float) -> None:
        """Go on where it was held."""
        if not self.held:
            return
        self.held = False
        if self._started and self._far_end_holds:
            shift = now - self._held_at
            self._due += shift
            self._awaited = deque((due + shift, name) for due, name in self._awaited)
            for index, (due, pcm) in enumerate(self._recent):
                if due >= self._held_at:
                    self._recent[index] = (due + shift, pcm)
        elif self._started:
            self._due = max(self._due, now)  # it has played out its lead meanwhile
        if self._paused is not None:  # also where its last sound was played meanwhile
            self._channel.resume(self._paused)
            self._paused = None
        self.tick(now)

    def clear(self, now: float) -> float:
        """Drop the turn, here and at the far end; milliseconds played by the pace.

        Nothing of the turn is sent afterwards. A hold stays, for whatever comes next.
        """
        played_ms = self.played_ms(now)
        if self._started:
            self._channel.clear(self.epoch)
            self.asked += self._channel.capabilities.clear
            if self._channel.capabilities.clear or not self._far_end_holds:
                self._paused = None
        self.finish()
        return played_ms

    def acknowledge(self, name: str, now: float) -> None:
        """The far end has reached the mark `name`; one that is not awaited is ignored."""
        while any(awaited == name for _, awaited in self._awaited):
            _, reached = self._awaited.popleft()
            self._on_played(reached, now)

    def tick(self, now: float) -> None:
        """Send what is due. Called every 20 ms, and at each write."""
        if self.held:
            return
        buffer, size = self._buffer, self._frame_bytes
        if len(buffer) >= size:
            if not self._started:
                self._started = True
                self._due = self.started_at = max(now, self.free_at)
            elif self._dry:
                self.underruns += 1
                self._due = max(self._due, now)
            self._dry = False
            horizon = now + self._lead_s - ROUNDING_S
            while len(buffer) >= size and self._due < horizon:
                if self._unsent:
                    self._send_marks()
                piece = bytes(buffer[:size])
                self._channel.play(piece)
                self._recent.append((self._due, piece))
                del buffer[:size]
                self._sent += size
                self._due += TICK_S
        if not buffer and self._due <= now:
            # Nothing was there when its time came. A stall of ours leaves sound in the buffer
            # instead, which is then caught up.
            self._dry = True
        if self._unsent and (self._started or self._ended):
            self._send_marks()
        if self._awaited:
            self._expire(now)

    def _send_marks(self) -> None:
        while self._unsent and self._unsent[0][0] <= self._sent:
            _, name = self._unsent.popleft()
            self._awaited.append((self._due, name))
            if self._marks_back:
                self._channel.send(Mark(name))

    def _expire(self, now: float) -> None:
        patience_s = ACK_PATIENCE_S if self._marks_back else 0.0
        while self._awaited and self._awaited[0][0] + patience_s <= now:
            due, name = self._awaited.popleft()
            self._on_played(name, due)
