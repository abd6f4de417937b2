"""The mouth of a call: lines become sentences, sentences sound, sound is paced to the far end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from engine.budget import Mark
from engine.channel import AudioChannel
from engine.clock import Clock
from engine.frames import Audio, Cleared, Frame, Played, Say, Think
from engine.ladder import StepDown
from engine.mouth import Reply
from engine.pipeline import Pipeline
from engine.stage import Stage
from engine.turn import Turn
from pipelines.audio.comfort import ComfortNoise
from pipelines.audio.playout import Playout
from pipelines.audio.ticker import TICK_S, Ticker
from pipelines.speech.fillers import AGAIN_S, MOST, Fillers
from pipelines.turns.echo import LONGEST_DELAY_S, WINDOW_S, is_echo

__all__ = ["VoiceMouth"]

RATE_HZ = 16000
CHARACTER_S = 0.06
"""What a character sounds for, in French and English, at the usual 165 words a minute."""
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
    and what speaks. They live as long as the turn. While none of their sound has come when it
    should have, one of the `fillers` is said.
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
        self._noise: ComfortNoise | None = None
        if channel.capabilities.comfort_noise:
            self._noise = ComfortNoise(channel, self._playout, ticker)
        self._noise_ms = 0.0  # of it that the far end counts to this turn
        self._turn: Turn | None = None
        self._segments: list[_Segment] = []
        self._bytes = 0
        self.fillers: Fillers | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._filled = 0
        self._began: float | None = None  # when the answer was first awaited
        self._works = False
        self._begun_at: int | None = None  # where the answer begins, after a filler
        self._total: int | None = None  # segments, once all are there
        self._reached_segments = 0
        self._played = asyncio.Event()
        self._answers = 0  # of the far end, to what it was asked
        self._held_ms: float | None = None
        self._stopped_ms: float | None = None

    def start(self) -> None:
        """The call begins, for the mouth."""
        if self._noise is not None:
            self._noise.start()

    def stop(self) -> None:
        """The call is over."""
        if self._noise is not None:
            self._noise.stop()

    # One turn

    async def speak(self, turn: Turn, reply: Reply) -> None:
        """See `engine.mouth.Mouth`."""
        self._turn = turn
        self._segments = []
        self._bytes = 0
        self._filled = self._reached_segments = 0
        self._noise_ms = 0.0
        self._works = False
        self._begun_at = self._total = None
        self._played.clear()
        self._answers = 0
        self._held_ms = self._stopped_ms = None
        self._playout.begin(turn.epoch)
        self._await_answer(turn)
        # A link holds one line: what has not been synthesised can still be left unsaid.
        pipeline = Pipeline(self._stages(), self._put, capacity=1)
        try:
            await pipeline.run(self._unhurried(reply))
            self._close_segment()
            self._playout.end(turn.epoch, self._clock.now())
            if self._bytes:
                self._total = len(self._segments)
                self._check_played()
                await self._played.wait()
                self._playout.finish()
        finally:
            self._await_nothing()
            if not self._played.is_set():
                self.clear(turn.epoch)

    async def _unhurried(self, reply: Reply) -> Reply:
        """The lines of `reply`, each only when the far end will need it."""
        async for line in reply:
            if (ahead_s := self._playout.buffered_s - AHEAD_S) > 0:
                await asyncio.sleep(ahead_s)
            self._works = isinstance(line, Think)
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
                self._announce(replace(frame, epoch=turn.epoch))
                self._segments.append(_Segment(frame.text, frame.question, self._bytes))
            case Audio():
                self._answer_comes()
                if turn.bridging and self._begun_at is None:
                    self._begun_at = self._bytes
                    self._playout.mark(f"{turn.epoch}.answer")
                self._write(turn, frame.pcm, now)
            case _:
                pass

    def _announce(self, line: Say) -> None:
        """Tell the far end the line; from the first on it counts the turn's sound."""
        if self._noise is not None and not self._segments:
            self._noise_ms = -self._noise.sent_ms
        self._channel.send(line)

    def _write(self, turn: Turn, pcm: bytes, now: float) -> None:
        if not self._bytes:
            self._noise_ms += 0.0 if self._noise is None else self._noise.sent_ms
            turn.mark(Mark.FIRST_AUDIO, now)
            self._playout.mark(f"{turn.epoch}.0")
        self._bytes += len(pcm)
        self._playout.write(turn.epoch, pcm, now)

    def _close_segment(self) -> None:
        if not self._bytes:
            self._segments.clear()  # a line without any sound is not waited for
        elif self._segments and self._segments[-1].end is None:
            self._segments[-1].end = self._bytes
            self._playout.mark(f"{self._playout.epoch}.{len(self._segments)}")

    # While the answer is late

    def _await_answer(self, turn: Turn) -> None:
        if self.fillers is None:
            return
        now = self._clock.now()
        due = self.fillers.due(turn, now)
        if due is not None:
            at, step = due
            self._began = now
            self._later(at - now, turn, step)

    def _later(self, seconds: float, turn: Turn, step: StepDown) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(max(0.0, seconds), self._fill, turn, step)

    def _answer_comes(self) -> None:
        """Its sound is there: no filler is wanted any more."""
        if self._began is not None and self.fillers is not None:
            self.fillers.lateness.took(self._clock.now() - self._began)
        self._await_nothing()

    def _await_nothing(self) -> None:
        self._began = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fill(self, turn: Turn, step: StepDown) -> None:
        """Say a filler; not to a user who speaks himself."""
        assert self.fillers is not None
        if self._playout.held:
            self._later(TICK_S, turn, step)
            return
        filler = self.fillers.choose(turn.heard, works=self._works)
        if filler is None:
            return
        text, pcm = filler
        now = self._clock.now()
        turn.steps_down.append(step)
        turn.bridging = True
        turn.mark(Mark.FIRST_SENTENCE, now)
        self._insert(turn, text, len(pcm))
        self._write(turn, pcm, now)
        self._filled += 1
        self._playout.mark(f"{turn.epoch}.{self._filled}")
        if self._filled < MOST:
            self._later(len(pcm) / (2 * RATE_HZ) + AGAIN_S, turn, replace(step, why="late"))

    def _insert(self, turn: Turn, text: str, size: int) -> None:
        """Put a filler before the line whose sound is awaited."""
        self._announce(Say(text, epoch=turn.epoch))
        end = self._bytes + size
        self._segments.insert(self._filled, _Segment(text, False, self._bytes, end))
        turn.lines.insert(self._filled, text)
        for segment in self._segments[self._filled + 1 :]:
            segment.start = end

    # What the far end has played

    def _reached(self, name: str, at: float) -> None:
        """The mark `name` was reached: 0 before the first sound, n after the n-th line, ``answer``
        after the fillers."""
        turn = self._turn
        epoch, _, index = name.partition(".")
        if turn is None or int(epoch) != turn.epoch:
            return
        if index == "0":
            turn.mark(Mark.FIRST_PLAYED, at)
        elif index == "answer":
            turn.begin_answer()
        else:
            turn.say(self._segments[int(index) - 1].text)
            self._reached_segments = int(index)
            self._check_played()

    def _check_played(self) -> None:
        if self._total is not None and self._reached_segments >= self._total:
            self._played.set()

    def reached(self, turn: Turn) -> None:
        """See `engine.mouth.Mouth`: words of a line that was cut count by their share of it."""
        if turn is not self._turn or self._stopped_ms is None:
            return
        position = self._stopped_ms * RATE_HZ * 2 / 1000
        if position > 0:
            turn.mark(Mark.FIRST_PLAYED, self._clock.now())
        if self._begun_at is not None and position > self._begun_at:
            turn.begin_answer()
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
                self._answers += 1
                if self._answers < self._playout.asked:
                    return  # to an earlier hold: it has gone on from there since
                played_ms = max(0.0, played_ms - self._noise_ms)
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
    """The words of `segment` that lie before `position`, by their share of its sound; of one that
    was still being synthesised, by what it would probably have come to."""
    end = segment.end
    if end is None:
        end = max(written, segment.start + round(len(segment.text) * CHARACTER_S * RATE_HZ) * 2)
    if position <= segment.start:
        return ""
    if position >= end:
        return segment.text
    words = segment.text.split()
    return " ".join(words[: int(len(words) * (position - segment.start) / (end - segment.start))])
