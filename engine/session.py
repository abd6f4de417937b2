"""A session: one conversation, on whatever channel.

An actor: what happens is delivered to its inbox and handled in order by one task, and each turn
runs in a task of its own, so that it can be cancelled. What reaches the person is the mouth's
business; who speaks when is decided by the ears before it gets here.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

from engine.budget import LatencyBudget, Mark
from engine.clock import Clock
from engine.flow import (
    Effect,
    Event,
    Flow,
    FlowState,
    Question,
    Record,
    Signal,
    Silent,
    Started,
    Think,
    Understanding,
    Understood,
)
from engine.frames import (
    Connect,
    Dtmf,
    Failed,
    Frame,
    Hangup,
    Heard,
    Interrupted,
    Ledger,
    Recording,
    Say,
    SpeechEnded,
    SpeechStarted,
    StateChanged,
    Transfer,
)
from engine.history import History
from engine.ladder import Ahead, Ladder
from engine.link import Closed, Link
from engine.log import SessionLog
from engine.mouth import Mouth
from engine.store import Store
from engine.turn import StateMachine, Turn

__all__ = ["MAX_FAILURES", "Session"]

MAX_FAILURES = 3
"""Failed turns in a row after which a conversation is over: the user has heard the same apology
twice already."""

LOG_PATIENCE_S = 30.0
LOG_PATIENCE_CANCELLED_S = 1.0
"""How long after its end a conversation waits for a store that cannot be reached."""

LAST_WORDS_S = 1.0
"""How long understanding what was said before a hang-up may take."""

INBOX = 64
"""Events that can wait. A turn makes a dozen; a far end that floods is told that it lost some."""

NOTHING = Understanding(intent=None, confidence=0.0, source="none")


@dataclass(frozen=True, slots=True)
class _Done:
    turn: Turn
    error: Exception | None = None


@dataclass(slots=True)
class _Running:
    """The turn that is being answered, and what it will have changed once it is heard."""

    turn: Turn
    task: asyncio.Task[_Done]
    state: FlowState | None = None
    lines: tuple[Say | Think, ...] = ()
    records: tuple[Record, ...] = ()
    acts: tuple[Transfer | Connect | Recording, ...] = ()
    hangup: str | None = None
    committed: bool = False


class Session:
    """One conversation between a person and a flow.

    `minds` understands utterances; `watch` is told state changes, ledgers, and what whoever carries
    the call is to do (Transfer, Connect, Recording); `silence_s` is how long the user may say
    nothing after our last word; `notice` is for whoever reads the log.

    A turn is a transaction: the flow's new state and its records count once the user has heard
    something of the answer. A user who goes on before that is understood as one utterance,
    answered anew. A key counts as it is pressed, so that keys may be pressed ahead; so does a
    signal.
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
        notice: str = "",
    ) -> None:
        self.id = session_id
        self.budget = budget or LatencyBudget()
        self.machine = StateMachine(lambda state: watch(StateChanged(str(state))))
        self._flow = flow
        self._minds = minds
        self._mouth = mouth
        self._clock = clock
        self._silence_s = silence_s
        self._watch = watch
        self._notice = notice
        self._inbox: Link[Frame | Signal | _Done] = Link(INBOX)
        self._state = flow.start()
        self._epoch = 0
        self._running: _Running | None = None
        self._unsettled: _Running | None = None
        self._silent = 0
        self._silence_at: float | None = None
        self._speaking = False
        self._failures = 0
        self._reason: str | None = None
        self._group: asyncio.TaskGroup
        self._history = History()
        self._ahead: Ahead[Understanding] | None = None
        self._log = SessionLog(session_id, store, clock, lambda: self._end("failed"))

    # What others ask and tell

    @property
    def reason(self) -> str | None:
        """Why the conversation ended; None while it goes on."""
        return self._reason

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

    def deliver(self, frame: Frame | Signal) -> bool:
        """Hand in what happened: Heard, Dtmf, SpeechStarted, SpeechEnded (without words),
        Interrupted, Failed, Hangup, or a Signal from outside the talk. False if it was not taken:
        too many wait, or it is over.

        A hang-up always gets through.
        """
        if isinstance(frame, Hangup):
            return self._end(frame.reason)
        return self._inbox.offer(frame)

    def expect(self, text: str) -> None:
        """The user has probably finished, and said `text`: where understanding takes its time, it
        is begun. Nothing else happens before the words are handed in; if they are others, what was
        begun is discarded."""
        going = self._running or self._unsettled
        if going is not None and not going.committed:
            text = f"{going.turn.heard} {text}".strip()
        question = self._flow.question(self._state)
        if self._ahead is not None and self._ahead.args == (text, question):
            return
        self._discard()
        if question.intents and text and self._reason is None:
            self._ahead = self._minds.begin(self._group.create_task, text, question)

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

        Cancelling ends it at once. Whatever happens, no task is left, and the log is written or
        what kept it from being written is raised: StoreError, VersionError. Cancelling what waits
        for the store already gives up the log.
        """
        self._log.record("session.started", {"notice": self._notice} if self._notice else {})
        try:
            await self._converse()
        except Exception:
            self._end("error")  # nobody cancelled it, and nobody is told that
            raise
        finally:
            self._end("cancelled")
            self._stopped()
            self._settle()
            self.machine.step("close")
            self._log.record("session.closed", {"reason": self._reason})
            cancelled = self._reason == "cancelled"
            await self._log.close(LOG_PATIENCE_CANCELLED_S if cancelled else LOG_PATIENCE_S)
        assert self._reason is not None
        return self._reason

    async def _converse(self) -> None:
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._begin(Started(self.id))
            while self._reason is None:
                await self._handle(await self._next())
            await self._last_words()
            self._discard()

    def _end(self, reason: str) -> bool:
        """False if it had ended before."""
        first = self._reason is None
        if first:
            self._reason = reason
            self._inbox.close()
        return first

    async def _next(self) -> Frame | Signal | _Done | Silent:
        at = self._silence_at
        try:
            async with asyncio.timeout(None if at is None else max(0.0, at - self._clock.now())):
                async for event in self._inbox:
                    return event
        except TimeoutError:
            if self.question.pause_s:
                return Silent(0)
            self._silent += 1
            return Silent(self._silent)
        assert self._reason is not None
        return Hangup(self._reason)

    async def _handle(self, event: Frame | Signal | _Done | Silent) -> None:
        match event:
            case Heard():
                await self._heard(event)
            case Dtmf():
                self._silent = 0
                await self._stop_turn()
                self._begin(event, at=event.at)
            case Silent():
                self._begin(event)
            case Signal():
                await self._signal(event)
            case SpeechStarted():
                self._speaking = True
                self._silence_at = None
            case SpeechEnded():
                self._speaking = False
                self._await_user()
            case Interrupted(epoch=epoch):
                if self.turn is not None and self.turn.epoch == epoch:
                    await self._stop_turn()
                    self.machine.step("interrupt")
                    self._await_user()
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
        await self._stop_turn()
        previous = self._unsettled
        self._settle()
        text = heard.text
        if previous is not None and not previous.committed:
            text = f"{previous.turn.heard} {text}".strip()
        self._begin(
            Heard(
                text,
                heard.speech_end_at,
                heard.endpoint_at,
                heard.transcript_at,
                heard.confidence,
            )
        )

    async def _signal(self, signal: Signal) -> None:
        """What the flow only records is recorded; else it is answered, whoever is speaking."""
        step = self._stepped(signal)
        if step is None:
            return
        state, effects = step
        records = [effect for effect in effects if isinstance(effect, Record)]
        over = self._reason is not None
        if over or (state == self._state and len(records) == len(effects)):
            for record in records:
                self._log.record(record.name, dict(record.data))
            return
        self._silent = 0
        if self._running is not None:
            await self._stop_turn()
            step = self._stepped(signal) or step  # what was stopped may have counted
        self._begin(signal, at=signal.at)
        assert self._running is not None
        self._follow(self._running, *step)
        self._commit(self._running)  # before the next signal, which may come with this one

    def _stepped(self, signal: Signal) -> tuple[FlowState, tuple[Effect, ...]] | None:
        """What the flow makes of `signal`; None where it fails at that."""
        try:
            return self._flow.step(self._state, signal)
        except Exception as error:  # noqa: BLE001  the border: it is lost, the call is not
            self._failed(Failed("signal", error, signal.at))
            return None

    def _failed(self, failed: Failed) -> None:
        self._log.record("stage.failed", {"stage": failed.stage, "error": _code(failed.error)})
        self._failures += 1
        self._speaking = False
        if self._failures >= MAX_FAILURES:
            self._end("failed")
        elif self._running is None and self._reason is None:
            self._begin(Understood("", NOTHING), at=failed.at)

    async def _last_words(self) -> None:
        """What the user said before the end counts, though nothing answers it any more: whoever
        asks not to be called again may well hang up at that."""
        await self._conclude()
        async for event in self._inbox:
            if isinstance(event, Heard):
                await self._heard(event)
                await self._conclude()
            elif isinstance(event, Signal):
                await self._signal(event)

    async def _conclude(self) -> None:
        running = self._running
        if running is None:
            return
        if running.turn.heard:
            if running.state is None:
                await asyncio.wait({running.task}, timeout=LAST_WORDS_S)
            self._commit(running)
        await self._stop_turn()

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
        running = self._running = _Running(turn, task)
        turn.on_mark = lambda mark: self._marked(running, mark)

    async def _answer(self, turn: Turn, event: Event | Heard) -> _Done:
        done = _Done(turn)
        try:
            if isinstance(event, Heard):
                understanding = await self._understand(turn, event.text)
                event = Understood(event.text, understanding, self._history())
            await self._reply(turn, event)
        except Exception as error:  # noqa: BLE001  the border: it fails the turn only
            done = _Done(turn, error)
        with contextlib.suppress(Closed):  # the conversation ended with this turn
            await self._inbox.put(done)
        return done

    async def _understand(self, turn: Turn, text: str) -> Understanding:
        question = self._flow.question(self._state)
        understanding = NOTHING
        ahead, self._ahead = self._ahead, None
        if question.intents and text:
            deadline = self.budget.deadline(turn.marks, "understanding")
            understanding = await self._minds.climb_down(
                deadline, text, question, on_step=turn.steps_down.append, ahead=ahead
            )
        elif ahead is not None:
            ahead.discard()
        turn.mark(Mark.INTENT, self._clock.now())
        turn.intent = understanding.intent
        turn.confidence = understanding.confidence
        return understanding

    def _discard(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            ahead.discard()

    async def _reply(self, turn: Turn, event: Event) -> None:
        running = self._running
        assert running is not None
        if running.state is None:
            self._follow(running, *self._flow.step(self._state, event))
        if isinstance(event, Dtmf):
            self._commit(running)
        if running.lines and self._reason is None:
            async with contextlib.aclosing(_lines(running.lines)) as reply:
                await self._mouth.speak(turn, reply)

    def _follow(self, running: _Running, state: FlowState, effects: Sequence[Effect]) -> None:
        """This is what the flow answers."""
        running.state = state
        running.lines = tuple(effect for effect in effects if isinstance(effect, Say | Think))
        running.records = tuple(effect for effect in effects if isinstance(effect, Record))
        running.acts = tuple(e for e in effects if isinstance(e, Transfer | Connect | Recording))
        if Recording(False) in running.acts:  # consent is withdrawn now, not when we have spoken
            self._watch(Recording(False))
        for effect in effects:
            if isinstance(effect, Hangup):
                running.hangup = effect.reason

    def _marked(self, running: _Running, mark: Mark) -> None:
        if mark is Mark.FIRST_AUDIO and running is self._running and self.machine.can("reply"):
            self.machine.step("reply")
        elif mark is Mark.FIRST_PLAYED and not running.turn.bridging:
            self._commit(running)

    def _commit(self, running: _Running) -> None:
        """The user knows that the flow went on."""
        if running.committed or running.state is None:
            return
        running.committed = True
        self._state = running.state
        for record in running.records:
            self._log.record(record.name, dict(record.data))

    def _finish(self, *, answered: bool) -> None:
        """The running turn came to its end; one that failed unheard changes nothing."""
        running = self._running
        assert running is not None
        if answered:
            self._commit(running)
        self._running = None
        self._unsettled = running
        self._settle()
        self.machine.step("end")
        if running.committed and running.hangup is not None:
            self._end(running.hangup)
        self._await_user()

    async def _stop_turn(self) -> None:
        if self._running is not None:
            self._running.task.cancel()
            await asyncio.wait({self._running.task})
            self._stopped()

    def _stopped(self) -> None:
        running, self._running = self._running, None
        if running is None:
            return
        self._unsettled = running
        running.turn.interrupted = running.task.cancelled()
        if running.turn.interrupted:
            return
        # It had ended by itself, only word of it still waits and will be too late.
        error = running.task.result().error
        if error is None:
            self._commit(running)
        else:
            self._log.record("stage.failed", {"stage": "turn", "error": _code(error)})

    def _settle(self) -> None:
        """Close the last turn's account: its far end has had time to say what it played."""
        stopped, self._unsettled = self._unsettled, None
        if stopped is None:
            return
        turn = stopped.turn
        self._mouth.reached(turn)
        turn.on_mark = None
        self._history.add(turn, whole=stopped.committed or not turn.interrupted)
        ledger = turn.ledger(self.budget)
        self._watch(Ledger(ledger))
        self._log.record("turn", ledger)
        if stopped.committed and self._reason is None:
            for act in stopped.acts:
                self._watch(act)

    def _await_user(self) -> None:
        if self._running is None and not self._speaking:
            self._silence_at = self._clock.now() + (self.question.pause_s or self._silence_s)


async def _lines(lines: Sequence[Say | Think]) -> AsyncGenerator[Say | Think, None]:
    for line in lines:
        yield line


def _code(error: Exception) -> str:
    return getattr(error, "code", type(error).__name__)
