"""A conversation in writing: the same session without ears and mouth.

Messages that follow one another quickly are one turn; a message that comes before the reply was
sent cancels it; what was delivered is what the far end received, where the channel tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from engine.budget import LatencyBudget, Mark
from engine.channel import Channel
from engine.clock import Clock
from engine.flow import Flow, Understanding
from engine.frames import (
    Delta,
    Dtmf,
    Frame,
    Hangup,
    Heard,
    Interrupted,
    Played,
    Say,
    SpeechStarted,
    Think,
)
from engine.frames import Mark as Checkpoint
from engine.ladder import Ladder
from engine.mouth import Reply
from engine.pipeline import Pipeline
from engine.session import Session
from engine.stage import Stage
from engine.store import Store
from engine.turn import Turn
from pipelines.messages import split

__all__ = ["TEXT_BUDGET", "TextConversation", "TextEars", "TextMouth"]

TEXT_BUDGET = LatencyBudget(
    {
        "endpointing": 2000.0,
        "transcription": 0.0,
        "understanding": 5000.0,
        "speech": 500.0,
        "playout": 2500.0,
    }
)
"""Ten seconds from a person's last message to ours: seconds where speech has tenths of them."""

QUIET_S = 1.5
"""A person who goes on writing sends the next short message within this time."""
LONGEST_S = 10.0
"""A person who never pauses is answered nevertheless."""
RECEIPT_S = 10.0
"""How long a turn waits to be acknowledged: a telephone that is off acknowledges in days."""


class TextEars:
    """Joins messages that follow one another within `quiet_s` into what was heard in one turn.

    Takes the frames of a text channel; `deliver` is the session's. Needs a running loop; `close`
    gives up what has not been handed on.
    """

    def __init__(
        self, deliver: Callable[[Frame], bool], clock: Clock, quiet_s: float = QUIET_S
    ) -> None:
        self._deliver = deliver
        self._clock = clock
        self._quiet_s = quiet_s
        self._texts: list[str] = []
        self._first_at = 0.0
        self._last_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def receive(self, frame: Frame) -> None:
        """Never waits."""
        match frame:
            case Heard(text=text, speech_end_at=at):
                self._add(text.strip(), at)
            case Dtmf():
                self._flush()
                self._deliver(frame)
            case Hangup():
                self.close()
                self._deliver(frame)
            case _:
                pass

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._texts.clear()

    def _add(self, text: str, at: float) -> None:
        if not text:
            return
        now = self._clock.now()
        if self._timer is None:
            self._first_at = now
            self._deliver(SpeechStarted(at, now))
        else:
            self._timer.cancel()
        self._texts.append(text)
        self._last_at = at
        wait_s = min(self._quiet_s, max(0.0, self._first_at + LONGEST_S - now))
        self._timer = asyncio.get_running_loop().call_later(wait_s, self._flush)

    def _flush(self) -> None:
        texts, now = " ".join(self._texts), self._clock.now()
        self.close()
        if texts:
            self._deliver(Heard(texts, min(self._last_at, now), now, now))


class TextMouth:
    """An `engine.mouth.Mouth` that writes on `channel`.

    A reply is sent when it is whole, in messages of at most ``capabilities.max_chars``. `stages`
    makes the stages that write what a language model is to write (Think to Delta); without any,
    its fallback is sent. With ``capabilities.mark`` a message counts as delivered when the channel
    returns its mark, else when it is sent.
    """

    def __init__(
        self,
        channel: Channel,
        clock: Clock,
        stages: Callable[[], Sequence[Stage]] = tuple,
        receipt_s: float = RECEIPT_S,
    ) -> None:
        self._channel = channel
        self._clock = clock
        self._stages = stages
        self._receipt_s = receipt_s
        self._turn: Turn | None = None
        self._pieces: dict[str, str] = {}
        self._acknowledged: set[str] = set()
        self._received = asyncio.Event()
        self.sent = 0
        """The last turn whose reply was sent, by its epoch."""

    async def speak(self, turn: Turn, reply: Reply) -> None:
        """See `engine.mouth.Mouth`."""
        self._turn = turn
        self._pieces = {}
        self._acknowledged.clear()
        self._received.clear()
        lines: list[str] = []
        question = False

        def put(frame: Frame) -> None:
            nonlocal question
            match frame:
                case Say(text=text):
                    question = frame.question
                    turn.lines.append(text)
                    lines.append(f" {text}")
                case Think(fallback=text):
                    lines.append(f" {text}")
                case Delta(text=text):
                    lines.append(text)
                case _:
                    return
            turn.mark(Mark.FIRST_SENTENCE, self._clock.now())

        await Pipeline(self._stages(), put).run(reply)
        pieces = split("".join(lines), self._channel.capabilities.max_chars)
        if pieces:
            self._send(turn, pieces, question)
        self.sent = turn.epoch
        if self._pieces and not self._received.is_set():
            try:
                async with asyncio.timeout(self._receipt_s):
                    await self._received.wait()
            except TimeoutError:
                pass  # sent, and not known to have arrived: it is not counted as said

    def _send(self, turn: Turn, pieces: list[str], question: bool) -> None:
        """All at once: no part of a reply goes out without the others."""
        turn.mark(Mark.FIRST_AUDIO, self._clock.now())
        self._pieces = {f"{turn.epoch}.{index}": piece for index, piece in enumerate(pieces, 1)}
        for index, (name, piece) in enumerate(self._pieces.items(), 1):
            self._channel.send(Say(piece, question and index == len(pieces), turn.epoch))
            if self._channel.capabilities.mark:
                self._channel.send(Checkpoint(name))
            else:
                self.acknowledge(Played(name, self._clock.now()))

    def acknowledge(self, frame: Played) -> None:
        """The channel returns the mark of a message: it was received. Receipts may come in any
        order."""
        turn = self._turn
        if turn is None or frame.name not in self._pieces:
            return
        self._acknowledged.add(frame.name)
        turn.said = " ".join(
            piece for name, piece in self._pieces.items() if name in self._acknowledged
        )
        turn.mark(Mark.FIRST_PLAYED, frame.at)
        if len(self._acknowledged) == len(self._pieces):
            self._received.set()

    def reached(self, turn: Turn) -> None:
        """See `engine.mouth.Mouth`: what was delivered is known already."""


class TextConversation:
    """One conversation on `channel`: run it once."""

    def __init__(
        self,
        session_id: str,
        channel: Channel,
        flow: Flow,
        minds: Ladder[Understanding],
        store: Store,
        clock: Clock,
        *,
        stages: Callable[[], Sequence[Stage]] = tuple,
        quiet_s: float = QUIET_S,
        silence_s: float = 900.0,
        watch: Callable[[Frame], None] | None = None,
    ) -> None:
        self._channel = channel
        self._clock = clock
        self._mouth = TextMouth(channel, clock, stages)
        self.session = Session(
            session_id,
            flow,
            minds,
            self._mouth,
            store,
            clock,
            budget=TEXT_BUDGET,
            silence_s=silence_s,
            watch=watch or channel.send,
        )
        self._ears = TextEars(self.session.deliver, clock, quiet_s)

    def receive(self, frame: Frame) -> None:
        """Take what the channel brings in. Never waits."""
        match frame:
            case Played():
                self._mouth.acknowledge(frame)
            case Heard(text=text) if text.strip():
                self._ears.receive(frame)
                turn = self.session.turn
                if turn is not None and turn.epoch != self._mouth.sent:
                    self.session.deliver(Interrupted(turn.epoch, self._clock.now()))
            case _:
                self._ears.receive(frame)

    async def run(self) -> str:
        """Hold the conversation to its end, then close the channel; the reason is returned.
        Cancelling ends it at once."""
        self._channel.attach(self.receive)
        try:
            return await self.session.run()
        finally:
            self._ears.close()
            self._channel.close(self.session.reason or "cancelled")
