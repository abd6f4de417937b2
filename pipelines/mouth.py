"""The mouth of a call: lines become sentences, sentences sound, sound is paced to the far end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.budget import Mark
from engine.channel import AudioChannel
from engine.clock import Clock
from engine.frames import Audio, Cleared, Frame, Played, Say
from engine.mouth import Reply
from engine.pipeline import Pipeline
from engine.stage import Stage
from engine.turn import Turn
from pipelines.audio.playout import Playout
from pipelines.audio.ticker import Ticker
from pipelines.turns.echo import LONGEST_DELAY_S, WINDOW_S, is_echo

__all__ = ["VoiceMouth"]

RATE_HZ = 16000
AHEAD_S = 10.0
"""Sound that may wait to be played before the next line is synthesised."""
ANSWERABLE = 0.4
"""Share of a question after which "yes" answers it; before, it is for what was said before."""


@dataclass(slots=True)
class _Segment:
    """A line in the turn's sound: from `start` to `end`, in bytes at 16 kHz."""

    text: str
    question: bool
    start: int
    end: int | None = None


class VoiceMouth:
    """Speaks one turn at a time on `channel`.

    `stages` makes the stages of a reply: what writes (Think to Delta), what cuts into sentences
    and what speaks. They live as long as the turn.
    """

    def __init__(
        self,
        channel: AudioChannel,
        stages: Callable[[], Sequence[Stage]],
        clock: Clock,
        ticker: Ticker,
    ) -> None:
        self._channel = channel
        self._stages = stages
        self._clock = clock
        self._playout = Playout(channel, RATE_HZ, ticker, self._reached)
        self._turn: Turn | None = None
        self._segments: list[_Segment] = []
        self._bytes = 0
        self._played = asyncio.Event()
        self._held_ms: float | None = None
        self._stopped_ms: float | None = None

    # One turn

    async def speak(self, turn: Turn, reply: Reply) -> None:
        """See `engine.mouth.Mouth`."""
        self._turn = turn
        self._segments = []
        self._bytes = 0
        self._played.clear()
        self._held_ms = self._stopped_ms = None
        self._playout.begin(turn.epoch)
        # A link holds one line: what has not been synthesised can still be left unsaid.
        pipeline = Pipeline(self._stages(), self._put, capacity=1)
        try:
            await pipeline.run(self._unhurried(reply))
            self._close_segment()
            self._playout.end(turn.epoch, self._clock.now())
            if self._bytes:
                await self._played.wait()
                self._playout.finish()
        finally:
            if not self._played.is_set():
                self.clear(turn.epoch)

    async def _unhurried(self, reply: Reply) -> Reply:
        """The lines of `reply`, each only when the far end will need it."""
        async for line in reply:
            if (ahead_s := self._playout.buffered_s - AHEAD_S) > 0:
                await asyncio.sleep(ahead_s)
            yield line

    def _put(self, frame: Frame) -> None:
        turn = self._turn
        assert turn is not None
        now = self._clock.now()
        match frame:
            case Say():
                self._close_segment()
                turn.mark(Mark.FIRST_SENTENCE, now)
                turn.lines.append(frame.text)
                self._segments.append(_Segment(frame.text, frame.question, self._bytes))
                self._channel.send(replace(frame, epoch=turn.epoch))
            case Audio():
                if not self._bytes:
                    turn.mark(Mark.FIRST_AUDIO, now)
                    self._playout.mark(f"{turn.epoch}.0")
                self._bytes += len(frame.pcm)
                self._playout.write(turn.epoch, frame.pcm, now)
            case _:
                pass

    def _close_segment(self) -> None:
        if not self._bytes:
            self._segments.clear()  # a line without any sound is not waited for
        elif self._segments and self._segments[-1].end is None:
            self._segments[-1].end = self._bytes
            self._playout.mark(f"{self._playout.epoch}.{len(self._segments)}")

    # What the far end has played

    def _reached(self, name: str, at: float) -> None:
        """The mark `name` was reached: 0 before the first sound, n after the n-th line."""
        turn = self._turn
        epoch, _, index = name.partition(".")
        if turn is None or int(epoch) != turn.epoch:
            return
        if index == "0":
            turn.mark(Mark.FIRST_PLAYED, at)
            return
        turn.say(self._segments[int(index) - 1].text)
        if int(index) == len(self._segments) and self._segments[-1].end is not None:
            self._played.set()

    def reached(self, turn: Turn) -> None:
        """See `engine.mouth.Mouth`: words of a line that was cut count by their share of it."""
        if turn is not self._turn or self._stopped_ms is None:
            return
        position = self._stopped_ms * RATE_HZ * 2 / 1000
        if position > 0:
            turn.mark(Mark.FIRST_PLAYED, self._clock.now())
        said = [_part(segment, position, self._bytes) for segment in self._segments]
        turn.said = " ".join(part for part in said if part)

    def acknowledge(self, frame: Played | Cleared) -> None:
        """The far end says what it has played."""
        match frame:
            case Played(name=name, at=at):
                self._playout.acknowledge(name, at)
            case Cleared(epoch=epoch, played_ms=played_ms):
                if self._turn is None or epoch != self._turn.epoch:
                    return
                played_ms = min(played_ms, self._bytes * 1000 / (RATE_HZ * 2))
                if self._stopped_ms is not None:
                    self._stopped_ms = played_ms
                elif self._playout.held:
                    self._held_ms = played_ms

    # Turn-taking

    @property
    def epoch(self) -> int | None:
        """The turn whose sound is going out, if there is any."""
        return self._playout.epoch if self._playout.playing else None

    def in_question(self, now: float) -> bool:
        """The line that the far end hears now expects an answer, and enough of it was heard to
        give one."""
        position = self._playout.played_ms(now) * RATE_HZ * 2 / 1000
        for segment in self._segments:
            end = self._bytes if segment.end is None else segment.end
            if position < end:
                heard = (position - segment.start) / (end - segment.start)
                return segment.question and heard >= ANSWERABLE
        return bool(self._segments) and self._segments[-1].question

    def played_s(self, now: float) -> float:
        """How much of the turn the far end has played, by the pace."""
        return self._playout.played_ms(now) / 1000

    def echoes(self, heard: bytes, until: float, floor: float) -> bool:
        """Whether `heard` (16 kHz, its end at `until`) is our own voice (`turns.echo`); what is
        weaker than `floor` is nobody's."""
        played = self._playout.recent
        if not played or played[-1][0] + LONGEST_DELAY_S + WINDOW_S < until:
            return False
        return is_echo(heard, until, played, self._channel.capabilities.rate_hz, floor)

    def hold(self) -> None:
        """Pause within this frame; also what has not begun to sound yet."""
        self._playout.hold(self._clock.now())

    def release(self) -> None:
        """Go on where it was held."""
        self._held_ms = None
        self._playout.release(self._clock.now())

    def clear(self, epoch: int) -> None:
        """Drop turn `epoch`: nothing of it is sent afterwards."""
        if self._playout.epoch == epoch:
            by_pace_ms = self._playout.clear(self._clock.now())
            self._stopped_ms = by_pace_ms if self._held_ms is None else self._held_ms


def _part(segment: _Segment, position: float, written: int) -> str:
    """The words of `segment` that lie before `position`, by their share of its sound."""
    end = written if segment.end is None else segment.end
    if position <= segment.start:
        return ""
    if position >= end:
        return segment.text
    words = segment.text.split()
    return " ".join(words[: int(len(words) * (position - segment.start) / (end - segment.start))])
