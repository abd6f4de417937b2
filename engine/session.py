"""A session: one conversation, on whatever channel.

An actor: what happens is delivered to its inbox and handled in order by one task, and each turn
runs in a task of its own, so that it can be cancelled. What reaches the person is the mouth's
business; who speaks when is decided by the ears before it gets here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from engine.budget import LatencyBudget, Mark
from engine.clock import Clock
from engine.errors import StoreError
from engine.flow import (
    Event,
    Flow,
    FlowState,
    Question,
    Record,
    Silent,
    Started,
    Think,
    Understanding,
    Understood,
)
from engine.frames import (
    Dtmf,
    Failed,
    Frame,
    Hangup,
    Heard,
    Interrupted,
    Ledger,
    Say,
    SpeechEnded,
    SpeechStarted,
    StateChanged,
)
from engine.ladder import Ladder
from engine.link import Link
from engine.mouth import Mouth
from engine.store import Store, StoredEvent
from engine.turn import State, StateMachine, Turn

__all__ = ["MAX_FAILURES", "Session"]

MAX_FAILURES = 3
"""Failed turns in a row after which a conversation is over: the user has heard the same apology
twice already."""

STORE_RETRIES = 30
STORE_RETRY_S = 1.0
"""How often and how long after the end a log is offered to a store that cannot be reached."""

INBOX = 64
"""Events that can wait. A turn makes a dozen; a far end that floods is told that it lost some."""

NOTHING = Understanding(intent=None, confidence=0.0, source="none")


@dataclass(slots=True)
class _Running:
    """The turn that is being answered, and what it will have changed once it is heard."""

    turn: Turn
    task: asyncio.Task[None]
    text: str = ""
    state: FlowState | None = None
    records: tuple[Record, ...] = ()
    hangup: str | None = None
    committed: bool = False


@dataclass(frozen=True, slots=True)
class _Done:
    turn: Turn
    error: Exception | None = None


class Session:
    """One conversation between a person and a flow.

    `minds` understands utterances; `watch` is told state changes and ledgers; `silence_s` is how
    long the user may say nothing after our last word. A turn is a transaction: the flow's new
    state and its records count once the user has heard something of the answer. A user who goes
    on before that is understood as one utterance, answered anew.
    """

    def __init__(
        self,
        session_id: str,
        flow: Flow,
        minds: Ladder[Understanding],
        mouth: Mouth,
        store: Store,
        clock: Clock,
        *,
        budget: LatencyBudget | None = None,
        silence_s: float = 6.0,
        watch: Callable[[Frame], None] = lambda frame: None,
    ) -> None:
        self.id = session_id
        self.budget = budget or LatencyBudget()
        self.machine = StateMachine(lambda state: watch(StateChanged(str(state))))
        self._flow = flow
        self._minds = minds
        self._mouth = mouth
        self._store = store
        self._clock = clock
        self._silence_s = silence_s
        self._watch = watch
        self._inbox: Link[Frame | _Done] = Link(INBOX)
        self._state = flow.start()
        self._epoch = 0
        self._running: _Running | None = None
        self._unsettled: Turn | None = None
        self._silent = 0
        self._silence_at: float | None = None
        self._speaking = False
        self._failures = 0
        self._reason: str | None = None
        self._group: asyncio.TaskGroup
        self._version = 0
        self._unwritten: list[StoredEvent] = []
        self._writer: asyncio.Task[None] | None = None

    # What others ask and tell

    @property
    def turn(self) -> Turn | None:
        """The turn that is being answered."""
        return None if self._running is None else self._running.turn

    @property
    def question(self) -> Question:
        """What the conversation waits for, or will, once the running turn is heard."""
        running = self._running
        if running is not None and running.state is not None:
            return self._flow.question(running.state)
        return self._flow.question(self._state)

    def deliver(self, frame: Frame) -> bool:
        """Hand in what happened: Heard, Dtmf, SpeechStarted, SpeechEnded (without words),
        Interrupted, Failed or Hangup. False if it was not taken: too many wait, or it is over.

        A hang-up always gets through.
        """
        if isinstance(frame, Hangup) and self._reason is None:
            self._reason = frame.reason
            self._inbox.close()
            return True
        return self._inbox.offer(frame)

    def paused(self) -> None:
        """The mouth was held: the user speaks over us."""
        if self.machine.can("pause"):
            self.machine.step("pause")

    def resumed(self) -> None:
        """The mouth goes on: it was no interruption."""
        if self.machine.can("resume"):
            self.machine.step("resume")

    # The actor

    async def run(self) -> str:
        """Hold the conversation to its end; the reason is returned.

        Cancelling ends it at once. Whatever happens, no task is left and the log is written.
        """
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                self._record("session.started", {})
                self._begin(Started())
                while self._reason is None:
                    await self._handle(await self._next())
            finally:
                self._inbox.close()
                await self._stop_turn(interrupted=True)
                self._settle()
                self.machine.step("close")
                self._record("session.closed", {"reason": self._reason or "cancelled"})
        return self._reason or "cancelled"

    async def _next(self) -> Frame | _Done | Silent:
        at = self._silence_at
        try:
            async with asyncio.timeout(None if at is None else max(0.0, at - self._clock.now())):
                async for event in self._inbox:
                    return event
        except TimeoutError:
            self._silent += 1
            return Silent(self._silent)
        assert self._reason is not None
        return Hangup(self._reason)

    async def _handle(self, event: Frame | _Done | Silent) -> None:
        match event:
            case Heard():
                await self._heard(event)
            case Dtmf():
                self._silent = 0
                await self._stop_turn(interrupted=True)
                self._begin(event, at=event.at)
            case Silent():
                self._begin(event)
            case SpeechStarted():
                self._speaking = True
                self._silence_at = None
            case SpeechEnded():
                self._speaking = False
                self._await_user()
            case Interrupted(epoch=epoch):
                if self.turn is not None and self.turn.epoch == epoch:
                    await self._stop_turn(interrupted=True)
                    self.machine.step("interrupt")
            case Failed():
                self._failed(event)
            case _Done(turn=turn, error=error):
                if turn is self.turn:
                    self._finish(answered=error is None)
                    if error is not None:
                        self._failed(Failed("turn", error, self._clock.now()))
            case _:
                pass

    async def _heard(self, heard: Heard) -> None:
        self._silent = 0
        self._failures = 0
        self._speaking = False
        running = self._running
        await self._stop_turn(interrupted=True)
        text = heard.text
        if running is not None and not running.committed and running.text:
            text = f"{running.text} {text}".strip()
        self._begin(
            Heard(
                text,
                heard.speech_end_at,
                heard.endpoint_at,
                heard.transcript_at,
                heard.confidence,
            )
        )

    def _failed(self, failed: Failed) -> None:
        self._record("stage.failed", {"stage": failed.stage, "error": _code(failed.error)})
        self._failures += 1
        self._speaking = False
        if self._failures >= MAX_FAILURES:
            self._reason = "failed"
        elif self._running is None:
            self._begin(Understood("", NOTHING), at=failed.at)

    # Turns

    def _begin(self, event: Event | Heard, at: float | None = None) -> None:
        self._settle()
        self._silence_at = None
        self._epoch += 1
        turn = Turn(self._epoch)
        if isinstance(event, Heard):
            turn.heard = event.text
            turn.confidence = event.confidence
            turn.mark(Mark.SPEECH_END, event.speech_end_at)
            turn.mark(Mark.ENDPOINT, event.endpoint_at)
            turn.mark(Mark.TRANSCRIPT, event.transcript_at)
        else:
            turn.mark(Mark.SPEECH_END, self._clock.now() if at is None else at)
        self.machine.step("begin")
        task = self._group.create_task(self._answer(turn, event), name=f"turn {turn.epoch}")
        self._running = _Running(turn, task, turn.heard)
        turn.on_mark = self._marked

    async def _answer(self, turn: Turn, event: Event | Heard) -> None:
        try:
            if isinstance(event, Heard):
                event = Understood(event.text, await self._understand(turn, event.text))
            await self._reply(turn, event)
        except Exception as error:  # the border: whatever a stage raises fails the turn only
            await self._inbox.put(_Done(turn, error))
        else:
            await self._inbox.put(_Done(turn))

    async def _understand(self, turn: Turn, text: str) -> Understanding:
        question = self._flow.question(self._state)
        understanding = NOTHING
        if question.intents and text:
            deadline = self.budget.deadline(turn.marks, "understanding")
            understanding = await self._minds.climb_down(
                deadline, text, question, on_step=turn.steps_down.append
            )
        turn.mark(Mark.INTENT, self._clock.now())
        turn.intent = understanding.intent
        turn.confidence = understanding.confidence
        return understanding

    async def _reply(self, turn: Turn, event: Event) -> None:
        running = self._running
        assert running is not None
        running.state, effects = self._flow.step(self._state, event)
        running.records = tuple(effect for effect in effects if isinstance(effect, Record))
        lines = [effect for effect in effects if isinstance(effect, Say | Think)]
        for effect in effects:
            if isinstance(effect, Hangup):
                running.hangup = effect.reason
        if lines:
            await self._mouth.speak(turn, _lines(lines))

    def _marked(self, mark: Mark) -> None:
        if mark is Mark.FIRST_AUDIO and self.machine.can("reply"):
            self.machine.step("reply")
        elif mark is Mark.FIRST_PLAYED:
            self._commit()

    def _commit(self) -> None:
        running = self._running
        if running is None or running.committed:
            return
        running.committed = True
        if running.state is not None:
            self._state = running.state
        for record in running.records:
            self._record(record.name, dict(record.data))

    def _finish(self, *, answered: bool) -> None:
        """The running turn came to its end; one that failed unheard changes nothing."""
        running = self._running
        assert running is not None
        if answered:
            self._commit()
        self._running = None
        self._unsettled = running.turn
        self._settle()
        self.machine.step("end")
        if running.committed and running.hangup is not None and self._reason is None:
            self._reason = running.hangup
        self._await_user()

    async def _stop_turn(self, *, interrupted: bool) -> None:
        running = self._running
        if running is None:
            return
        running.task.cancel()
        await asyncio.wait({running.task})
        self._running = None
        running.turn.interrupted = interrupted
        self._unsettled = running.turn

    def _settle(self) -> None:
        """Close the last turn's account: its far end has had time to say what it played."""
        turn, self._unsettled = self._unsettled, None
        if turn is None:
            return
        self._mouth.reached(turn)
        ledger = turn.ledger(self.budget)
        self._watch(Ledger(ledger))
        self._record("turn", ledger)

    def _await_user(self) -> None:
        if self._running is None and not self._speaking:
            self._silence_at = self._clock.now() + self._silence_s

    # The log

    def _record(self, name: str, data: dict[str, object]) -> None:
        self._unwritten.append(StoredEvent(name, self._clock.wall(), data))
        if self._writer is None:
            self._writer = self._group.create_task(self._write(), name="log")

    async def _write(self) -> None:
        """Append what is unwritten, in order, beside the conversation. A store that cannot be
        reached is tried again for as long as the conversation lasts and a while longer."""
        retries = 0
        while self._unwritten:
            events = tuple(self._unwritten)
            try:
                self._version = await self._store.append(self.id, self._version, events)
            except StoreError:
                retries = retries + 1 if self.machine.state is State.CLOSED else 0
                if retries > STORE_RETRIES:
                    raise
                await asyncio.sleep(STORE_RETRY_S)
            else:
                del self._unwritten[: len(events)]
        self._writer = None


async def _lines(lines: Sequence[Say | Think]) -> AsyncIterator[Say | Think]:
    for line in lines:
        yield line


def _code(error: Exception) -> str:
    return getattr(error, "code", type(error).__name__)
