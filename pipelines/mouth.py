"""The mouth of a call: lines become sentences, sentences sound, sound is paced to the far end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace

from engine.budget import Mark
from engine.channel import AudioChannel
from engine.clock import Clock
from engine.frames import Audio, Cleared, Frame, Played, Say, Think
from engine.mouth import Reply
from engine.pipeline import Pipeline
from engine.stage import Stage
from engine.turn import Turn
from pipelines.audio.comfort import ComfortNoise
from pipelines.audio.playout import Playout
from pipelines.audio.ticker import Ticker
from pipelines.bridge import Bridge
from pipelines.segments import RATE_HZ, Segments
from pipelines.speech.fillers import Fillers
from pipelines.turns.echo import LONGEST_DELAY_S, WINDOW_S, echo_delay

__all__ = ["VoiceMouth"]

AHEAD_S = 10.0
"""Sound that may wait to be played before the next line is synthesised."""


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
        self._noise: ComfortNoise | None = None
        if channel.capabilities.comfort_noise:
            self._noise = ComfortNoise(channel, self._playout, ticker)
        self._noise_ms = 0.0  # of it that the far end counts to this turn
        self._bridge = Bridge(self._fill, lambda: self._playout.held, clock)
        self._turn: Turn | None = None
        self._segments = Segments()
        self._begun_at: int | None = None  # where the answer begins, after a filler
        self._total: int | None = None  # segments, once all are there
        self._reached_segments = 0
        self._played = asyncio.Event()
        self._answers = 0  # of the far end, to what it was asked
        self._echo_delay_s: float | None = None
        self._held_ms: float | None = None
        self._stopped_ms: float | None = None

    def start(self, fillers: Fillers | None = None) -> None:
        """The call begins; `fillers` are said in it while an answer is late."""
        self._bridge.fillers = fillers
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
        self._segments = Segments()
        self._reached_segments = 0
        self._noise_ms = 0.0
        self._begun_at = self._total = None
        self._played.clear()
        self._answers = 0
        self._held_ms = self._stopped_ms = None
        self._playout.begin(turn.epoch)
        self._bridge.expect(turn)
        # A link holds one line: what has not been synthesised can still be left unsaid.
        pipeline = Pipeline(self._stages(), self._put, capacity=1)
        try:
            await pipeline.run(self._unhurried(reply))
            self._close_segment()
            self._playout.end(turn.epoch, self._clock.now())
            if self._segments.bytes:
                self._total = len(self._segments)
                self._check_played()
                await self._played.wait()
                self._playout.finish()
        finally:
            self._bridge.stop()
            if not self._played.is_set():
                self.clear(turn.epoch)

    async def _unhurried(self, reply: Reply) -> Reply:
        """The lines of `reply`, each only when the far end will need it."""
        async for line in reply:
            if (ahead_s := self._playout.buffered_s - AHEAD_S) > 0:
                await asyncio.sleep(ahead_s)
            self._bridge.works = isinstance(line, Think)
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
                self._segments.begin(frame.text, frame.question)
            case Audio():
                self._bridge.came()
                if turn.bridging and self._begun_at is None:
                    self._begun_at = self._segments.bytes
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
        if not self._segments.bytes:
            self._noise_ms += 0.0 if self._noise is None else self._noise.sent_ms
            turn.mark(Mark.FIRST_AUDIO, now)
            self._playout.mark(f"{turn.epoch}.0")
        self._segments.bytes += len(pcm)
        self._playout.write(turn.epoch, pcm, now)

    def _close_segment(self) -> None:
        if number := self._segments.close():
            self._playout.mark(f"{self._playout.epoch}.{number}")

    def _fill(self, turn: Turn, text: str, pcm: bytes) -> None:
        """Say a filler before the line whose sound is awaited."""
        now = self._clock.now()
        turn.mark(Mark.FIRST_SENTENCE, now)
        self._announce(Say(text, epoch=turn.epoch))
        turn.lines.insert(self._segments.fillers, text)
        self._segments.fill(text, len(pcm))
        self._write(turn, pcm, now)
        self._playout.mark(f"{turn.epoch}.{self._segments.fillers}")

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
            turn.say(self._segments.text(int(index)))
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
        if position > 0:  # and the answer to its first mark is lost, or on its way
            turn.mark(Mark.FIRST_PLAYED, self._playout.started_at)
        if self._begun_at is not None and position > self._begun_at:
            turn.begin_answer()
        turn.said = self._segments.said(position)

    def acknowledge(self, frame: Played | Cleared) -> None:
        """The far end says what it has played."""
        match frame:
            case Played(name=name, at=at):
                self._playout.acknowledge(name, at)
                turn = self._turn
                if turn is not None and self._stopped_ms is not None and name == f"{turn.epoch}.0":
                    turn.mark(Mark.FIRST_PLAYED, at)  # it was heard before it was stopped
            case Cleared(epoch=epoch, played_ms=played_ms):
                if self._turn is None or epoch != self._turn.epoch:
                    return
                self._answers += 1
                if self._answers < self._playout.asked:
                    return  # to an earlier hold: it has gone on from there since
                played_ms = max(0.0, played_ms - self._noise_ms)
                played_ms = min(played_ms, self._segments.bytes * 1000 / (RATE_HZ * 2))
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
        return self._segments.in_question(self._playout.played_ms(now) * RATE_HZ * 2 / 1000)

    def played_s(self, now: float) -> float:
        """How much of the turn the far end has played, by the pace."""
        return self._playout.played_ms(now) / 1000

    def played(self) -> Sequence[tuple[float, bytes]]:
        """The latest of our sound, at the channel's rate: pieces, each with the time it was due."""
        return self._playout.played()

    def echo_delay(self) -> float | None:
        """Seconds after which the line sends our voice back; None where it is not known to."""
        return self._echo_delay_s

    def echoes(self, heard: bytes, until: float, floor: float) -> bool:
        """Whether `heard` (16 kHz, its end at `until`) is our own voice (`turns.echo`); what is
        weaker than `floor` is nobody's."""
        played = self._playout.played()
        if not played or played[-1][0] + LONGEST_DELAY_S + WINDOW_S < until:
            return False
        rate_hz = self._channel.capabilities.rate_hz
        delay_s = echo_delay(heard, until, played, rate_hz, floor=floor, known_s=self._echo_delay_s)
        if delay_s is not None:
            self._echo_delay_s = delay_s
        return delay_s is not None

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
