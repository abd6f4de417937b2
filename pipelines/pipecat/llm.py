"""Replies from any LLM service of pipecat."""

from __future__ import annotations

from typing import Any, Self

from engine.errors import UnderstandingError
from engine.frames import Delta, Frame, Think
from engine.link import Closed, Link
from engine.stage import Outlet
from pipelines.pipecat.host import Factory, Host, pipecat
from pipelines.pipecat.kept import Kept
from pipelines.pipecat.metrics import OnMetrics

__all__ = ["PipecatLLM"]

AHEAD = 64
"""Pieces that may wait to be taken; then the service waits."""


class PipecatLLM:
    """Writes each reply through the service that `factory` makes: Think in, Delta out, an empty
    one at the end.

    One for each call, run once a turn. As a context manager (``async with PipecatLLM(…)``) it keeps
    the service and its connections from turn to turn; otherwise every run makes its own.

    It has no deadline of its own: that is `pipelines.mind.think.Thinking`.
    """

    def __init__(
        self, factory: Factory, *, on_metrics: OnMetrics = lambda name, value: None
    ) -> None:
        self._frames = pipecat("frames.frames")
        self._kept = Kept(
            lambda: Host(factory, UnderstandingError, self._take, self._failed, on_metrics)
        )
        self._reply: Link[Any] | None = None
        self._instructed: Host | None = None
        self._own_instruction: str | None = None
        self._instruction: str | None = None

    async def __aenter__(self) -> Self:
        await self._kept.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._kept.__aexit__()

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`. Raises UnderstandingError. Cancelling interrupts the
        service: the request is dropped, and nothing of it comes out later."""
        async with self._kept.turn() as host:
            async for frame in inbox:
                if isinstance(frame, Think):
                    await self._think(host, frame, outbox)
                else:
                    await outbox.put(frame)

    async def _think(self, host: Host, think: Think, outbox: Outlet) -> None:
        instruction, messages = _split(think)
        reply = self._reply = Link(AHEAD)
        try:
            if host.failure is not None:
                raise host.failure
            await self._instruct(host, instruction)
            context = pipecat("processors.aggregators.llm_context").LLMContext(messages)
            await host.send(self._frames.LLMContextFrame(context))
            while isinstance(frame := await reply.get(), self._frames.LLMTextFrame):
                if frame.text:
                    await outbox.put(Delta(frame.text))
            await outbox.put(Delta(""))
        except Closed:
            if host.failure is None:  # it is not the reply that was closed: nobody listens
                raise
            raise host.failure from None
        finally:
            self._reply = None
            reply.close()

    async def _instruct(self, host: Host, instruction: str | None) -> None:
        """Set the service's system instruction, which is no message to it: `instruction`, or what
        it was made with."""
        if host is not self._instructed:
            own = host.service.settings.system_instruction
            self._own_instruction = own if isinstance(own, str) else None
            self._instructed, self._instruction = host, self._own_instruction
        wanted = instruction or self._own_instruction
        if wanted != self._instruction:
            self._instruction = wanted
            delta = pipecat("services.settings").LLMSettings(system_instruction=wanted)
            await host.send(self._frames.LLMUpdateSettingsFrame(delta=delta))

    async def _take(self, frame: Any) -> None:
        reply = self._reply
        wanted = (self._frames.LLMTextFrame, self._frames.LLMFullResponseEndFrame)
        if reply is not None and isinstance(frame, wanted):
            try:
                await reply.put(frame)
            except Closed:
                pass  # the reply is over: nobody wants the rest

    def _failed(self) -> None:
        if self._reply is not None:
            self._reply.close()


def _split(think: Think) -> tuple[str | None, list[dict[str, str]]]:
    """The system messages that `think` begins with, as one, and the others as pipecat has them."""
    messages = list(think.messages)
    system: list[str] = []
    while messages and messages[0][0] == "system":
        system.append(messages.pop(0)[1])
    return "\n\n".join(system) or None, [
        {"role": role, "content": content} for role, content in messages
    ]
