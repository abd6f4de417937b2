"""A reply by a language model, under a deadline: a filler while it is awaited, a line without it.

    llm -> filler -> fallback

are the rungs. The model is still awaited behind the filler, and left where it fails or says nothing
more.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

from engine.clock import Clock
from engine.errors import StageError
from engine.frames import Delta, Frame, Say, Think
from engine.ladder import StepDown
from engine.link import Link
from engine.stage import Outlet, Service

__all__ = ["Thinking"]


RECHECK_S = 0.1
"""How often a model that waits for room, which is not its silence, is looked at again."""


class _Reply:
    """The outbox of the model: notes when text came, and passes it on."""

    def __init__(self, outbox: Outlet, clock: Clock) -> None:
        self._outbox = outbox
        self._clock = clock
        self._in_order = asyncio.Lock()
        self.written = False
        """Some text has come."""
        self.last_at = clock.now()
        """When the model began, or last handed something on."""

    @property
    def waits(self) -> bool:
        """There is no room for what has come."""
        return self._in_order.locked()

    async def put(self, frame: Frame) -> None:
        async with self._in_order:
            if isinstance(frame, Delta) and frame.text:
                self.written = True
            await self._outbox.put(frame)
            self.last_at = self._clock.now()

    async def fill(self, filler: str) -> bool:
        """Say `filler`, unless text has come. False if it has."""
        async with self._in_order:
            if not self.written:
                await self._outbox.put(Say(filler))
            return not self.written


class Thinking:
    """The service `llm` (Think in, Delta out) with deadlines; other frames pass on.

    Without text `first_token_s` after the Think, one of `fillers` is said; without text for
    `give_up_s`, or when `llm` fails or writes nothing, the Think's fallback is. `on_step` is told
    each step down. One for each call, so that no filler is heard twice in a row.
    """

    def __init__(
        self,
        llm: Service,
        clock: Clock,
        first_token_s: float,
        give_up_s: float,
        fillers: Sequence[str] = (),
        *,
        on_step: Callable[[StepDown], None] = lambda step: None,
        rng: random.Random | None = None,
    ) -> None:
        if not 0 < first_token_s <= give_up_s:
            raise ValueError("a filler comes before giving up: 0 < first_token_s <= give_up_s")
        self._llm = llm
        self._clock = clock
        self._first_token_s = first_token_s
        self._give_up_s = give_up_s
        self._fillers = tuple(fillers)
        self._on_step = on_step
        self._rng = rng or random.Random()
        self._last_filler = ""

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`. Cancelling cancels the model."""
        async for frame in inbox:
            if isinstance(frame, Think):
                await self._think(frame, outbox)
            else:
                await outbox.put(frame)

    async def _think(self, think: Think, outbox: Outlet) -> None:
        reply = _Reply(outbox, self._clock)
        asked: Link[Frame] = Link(1)
        asked.offer(think)
        asked.close()
        writing = asyncio.create_task(self._llm.run(asked, reply), name="llm")
        try:
            step = await self._await(writing, reply)
        finally:
            writing.cancel()
            await asyncio.wait({writing})
        if step is not None:
            self._on_step(step)
            await outbox.put(Say(think.fallback))

    async def _await(self, writing: asyncio.Task[None], reply: _Reply) -> StepDown | None:
        """Wait for the whole reply; the last step down is returned if there is none."""
        rung = "llm"
        due = reply.last_at + self._first_token_s
        while True:
            await asyncio.wait({writing}, timeout=max(0.0, due - self._clock.now()))
            if reply.written:
                rung = "llm"
            if writing.done():
                return self._outcome(writing, reply, rung)
            now = self._clock.now()
            if now < due:
                continue
            if rung == "llm" and not reply.written:
                rung = "filler"
                self._on_step(StepDown("llm", "late"))
                await self._fill(reply)
            due = reply.last_at + self._give_up_s
            if now >= due and not reply.waits:
                return StepDown(rung, "late")
            due = max(due, now + RECHECK_S)

    def _outcome(self, writing: asyncio.Task[None], reply: _Reply, rung: str) -> StepDown | None:
        error = writing.exception()
        if isinstance(error, StageError):
            return StepDown(rung, error.code)
        if error is not None:
            raise error
        return None if reply.written else StepDown(rung, "empty")

    async def _fill(self, reply: _Reply) -> None:
        choice = [filler for filler in self._fillers if filler != self._last_filler]
        if choice:
            filler = self._rng.choice(choice)
            if await reply.fill(filler):
                self._last_filler = filler
