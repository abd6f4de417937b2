"""The engine's ports, faked: what a test holds instead of a voice, a telephone or a store."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence

from engine.budget import Mark as TurnMark
from engine.channel import Capabilities, Receiver
from engine.clock import LoopClock
from engine.errors import StoreError
from engine.frames import BYTES_PER_SAMPLE, Cleared, Frame, Hangup, Mark, Played, Say
from engine.mouth import Reply
from engine.store import MemoryStore, StoredEvent
from engine.turn import Turn

__all__ = ["FakeAudioChannel", "FakeMouth", "FlakyStore"]


class FakeMouth:
    """Speaks without sound, on the running loop's time.

    The first sound of a turn is made `first_audio_s` after its first line and acknowledged
    `acknowledge_s` later; each line lasts `line_s` and is acknowledged at its end. `errors` are
    raised by the next turns instead, None lets one pass. `late` is what the far end turns out to
    have played of an interrupted turn, by epoch.
    """

    def __init__(
        self, line_s: float = 1.0, first_audio_s: float = 0.1, acknowledge_s: float = 0.05
    ) -> None:
        self.line_s = line_s
        self.first_audio_s = first_audio_s
        self.acknowledge_s = acknowledge_s
        self.errors: deque[Exception | None] = deque()
        self.late: dict[int, str] = {}
        self.speaking: Turn | None = None
        self.spoken: list[str] = []
        """Every line that was begun."""
        self._clock = LoopClock()

    async def speak(self, turn: Turn, reply: Reply) -> None:
        assert self.speaking is None, "a mouth speaks one turn at a time"
        self.speaking = turn
        try:
            if self.errors and (error := self.errors.popleft()) is not None:
                raise error
            async for line in reply:
                await self._line(turn, line.text if isinstance(line, Say) else line.fallback)
        finally:
            self.speaking = None

    async def _line(self, turn: Turn, text: str) -> None:
        self.spoken.append(text)
        turn.lines.append(text)
        turn.mark(TurnMark.FIRST_SENTENCE, self._clock.now())
        if TurnMark.FIRST_PLAYED not in turn.marks:
            await asyncio.sleep(self.first_audio_s)
            turn.mark(TurnMark.FIRST_AUDIO, self._clock.now())
            await asyncio.sleep(self.acknowledge_s)
            turn.mark(TurnMark.FIRST_PLAYED, self._clock.now())
        await asyncio.sleep(self.line_s)
        turn.say(text)

    def reached(self, turn: Turn) -> None:
        if turn.epoch in self.late:
            turn.mark(TurnMark.FIRST_PLAYED, self._clock.now())
            turn.said = self.late.pop(turn.epoch)


class FakeAudioChannel:
    """A far end that plays in the running loop's time, buffers without limit, and answers as
    `capabilities` promise: marks with Played, pause and clear with Cleared."""

    def __init__(self, capabilities: Capabilities | None = None) -> None:
        self.capabilities = capabilities or Capabilities(
            rate_hz=16000, mark=True, clear=True, pause=True, lead_s=0.1
        )
        self.sent: list[Frame] = []
        self.played = bytearray()
        """All sound that was sent, in order."""
        self.closed: str | None = None
        self._receiver: Receiver | None = None
        self._lost: Hangup | None = None
        self._clock = LoopClock()
        self._buffered = 0
        """Bytes not played at `_since`, which is None while the playout is held or empty."""
        self._since: float | None = None
        self._held = False
        self._turn_bytes = 0
        self._marks: deque[tuple[str, int]] = deque()
        """Marks with the bytes of the turn that come before them."""
        self._timer: asyncio.TimerHandle | None = None
        self._epoch = 0

    def attach(self, receiver: Receiver) -> None:
        self._receiver = receiver
        if self._lost is not None:
            receiver(self._lost)

    def deliver(self, frame: Frame) -> None:
        """The person does something."""
        if self._receiver is not None and self.closed is None:
            self._receiver(frame)
        elif isinstance(frame, Hangup):
            self._lost = frame

    def send(self, frame: Frame) -> None:
        if self.closed is not None:
            return
        self.sent.append(frame)
        match frame:
            case Say(epoch=epoch) if epoch != self._epoch:
                self._epoch = epoch
                self._turn_bytes = self._unplayed()
            case Mark(name=name) if self.capabilities.mark:
                self._marks.append((name, self._turn_bytes))
                self._arm()
            case _:
                pass

    def play(self, pcm: bytes) -> None:
        if self.closed is not None:
            return
        self._settle()
        self.played += pcm
        self._buffered += len(pcm)
        self._turn_bytes += len(pcm)
        self._arm()

    def pause(self, epoch: int) -> None:
        if self.closed is None and self.capabilities.pause and not self._held:
            self._settle()
            self._held = True
            self._arm()
            self._answer(epoch)

    def resume(self, epoch: int) -> None:
        self._held = False
        self._arm()

    def clear(self, epoch: int) -> None:
        if self.closed is not None or not self.capabilities.clear:
            return
        self._settle()
        self._turn_bytes -= self._buffered
        self._buffered = 0
        self._held = False
        self._marks.clear()
        self._arm()
        self._answer(epoch)

    def close(self, reason: str) -> None:
        if self.closed is None:
            self.closed = reason
            self._marks.clear()
            self._arm()

    @property
    def _bytes_per_s(self) -> int:
        return self.capabilities.rate_hz * BYTES_PER_SAMPLE

    def _unplayed(self) -> int:
        self._settle()
        return self._buffered

    def _settle(self) -> None:
        now = self._clock.now()
        if self._since is not None:
            # Rounded, so that a timer for the last byte finds it played.
            self._buffered -= min(self._buffered, round((now - self._since) * self._bytes_per_s))
        self._since = None if self._held else now

    def _arm(self) -> None:
        """Answer the marks that were reached, and come back for the next."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._settle()
        while self._marks and not self._held:
            name, before = self._marks[0]
            left = before - (self._turn_bytes - self._buffered)
            if left > 0:
                self._timer = asyncio.get_running_loop().call_later(
                    left / self._bytes_per_s, self._arm
                )
                return
            self._marks.popleft()
            self._soon(Played(name, self._clock.now()))

    def _answer(self, epoch: int) -> None:
        played_ms = (self._turn_bytes - self._buffered) * 1000 / self._bytes_per_s
        self._soon(Cleared(epoch, played_ms, self._clock.now()))

    def _soon(self, frame: Frame) -> None:
        asyncio.get_running_loop().call_soon(self.deliver, frame)


class FlakyStore(MemoryStore):
    """Is out of reach for the next `failures` calls; `lost_answers` of them append all the same."""

    def __init__(self, failures: float = 0, lost_answers: int = 0) -> None:
        super().__init__()
        self.failures = failures
        self.lost_answers = lost_answers

    async def append(self, session: str, expected: int, events: Sequence[StoredEvent]) -> int:
        if self.lost_answers > 0:
            self.lost_answers -= 1
            await super().append(session, expected, events)
            raise StoreError("the answer was lost")
        if self.failures > 0:
            self.failures -= 1
            raise StoreError("the store is out of reach")
        return await super().append(session, expected, events)
