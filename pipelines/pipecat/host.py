"""One service of pipecat, with what pipecat's own pipeline would give it.

A service of pipecat is a frame processor: it wants a task manager, a clock, a StartFrame, and
neighbours to push frames to. `Host` is all of these, for one service.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
from collections.abc import Awaitable, Callable
from functools import cache
from types import SimpleNamespace
from typing import Any

from engine.errors import ConfigurationError, StageError
from pipelines.audio.resample import RATE_HZ
from pipelines.pipecat.metrics import OnMetrics, measures

__all__ = ["Factory", "Host", "pipecat"]

Factory = Callable[[], Any]
"""Makes a service of pipecat with its settings, on the running event loop; called again when one
has to be replaced."""

OPEN_S = 5.0
"""A connection that takes longer to make is no use to somebody who waits for an answer."""

CLOSE_S = 0.5
"""How long a service may take to say goodbye, which is a round trip; then its tasks are
cancelled."""

INSIST = 3
"""A closing handshake (of the old interface of websockets) outlives two cancellations."""

SETTLE_S = 1.0
"""How long a service may take to stop what it does; pipecat gives a task as long to be cancelled.
Past this it is replaced."""


@cache
def pipecat(module: str) -> Any:
    """The module `module` of pipecat.

    The first call imports pipecat (over a second), so a server makes one at start. Raises
    ConfigurationError where pipecat is not installed.
    """
    try:
        loguru = importlib.import_module("loguru")
        # pipecat logs lines and transcripts in clear; its errors come to us as frames.
        loguru.logger.disable("pipecat")
        return importlib.import_module(f"pipecat.{module}")
    except ModuleNotFoundError as missing:
        raise ConfigurationError(
            f"a service of pipecat needs the module {missing.name}; "
            "install it with: pip install 'palabre[pipecat]'"
        ) from missing


@cache
def _edge() -> Any:
    """The class of the service's neighbours: what is pushed to one goes to `take`, in the pusher's
    task."""
    from pipecat.processors.frame_processor import FrameDirection, FrameProcessor

    class Edge(FrameProcessor):
        def __init__(self, take: Callable[[Any], Awaitable[None]]) -> None:
            super().__init__()
            self._take = take

        async def queue_frame(
            self,
            frame: Any,
            direction: FrameDirection = FrameDirection.DOWNSTREAM,
            callback: Any = None,
        ) -> None:
            await self._take(frame)

    return Edge


class Host:
    """Runs one service of pipecat from `open` to `close`.

    `error` is the kind of StageError that the service's errors become. `on_frame` gets the frames
    that the service pushes, in the service's own tasks, and may make it wait; `on_failure` is told
    that `failure` was set.
    """

    def __init__(
        self,
        factory: Factory,
        error: type[StageError],
        on_frame: Callable[[Any], Awaitable[None]],
        on_failure: Callable[[], None],
        on_metrics: OnMetrics,
    ) -> None:
        self._frames = pipecat("frames.frames")
        self.service = factory()
        self.failure: StageError | None = None
        self.pending = 0
        """Frames that were sent and that the service has not processed."""
        self._error = error
        self._on_frame = on_frame
        self._on_failure = on_failure
        self._on_metrics = on_metrics
        self._muted = False
        self._spent = False
        self._started = False
        self._opening: asyncio.Timeout | None = None
        self._interrupted: asyncio.Future[None] | None = None
        self._tasks = pipecat("utils.asyncio.task_manager").TaskManager()

    @property
    def spent(self) -> bool:
        """It failed, or cannot be told from its last turn: have it replaced."""
        return self._spent or self.failure is not None or not self.service.is_usable

    def retire(self) -> None:
        """Nothing of what it still produces is wanted."""
        self._spent = self._muted = True

    async def open(self) -> None:
        """Connect and start. Raises `error` if that fails or takes more than `OPEN_S`.

        Cancelling is safe: what was opened is closed.
        """
        try:
            async with asyncio.timeout(OPEN_S) as self._opening:
                await self._start()
        except TimeoutError:
            self.failure = self.failure or self._error(
                f"the service {self._name} did not connect within {OPEN_S:.0f} s; "
                "check its address and the network"
            )
        except BaseException:
            await self.close()
            raise
        self._opening = None
        if self.failure is not None:
            await self.close()
            raise self.failure

    async def _start(self) -> None:
        rates = {"audio_in_sample_rate": RATE_HZ, "audio_out_sample_rate": RATE_HZ}
        measured = {"enable_metrics": True, "enable_usage_metrics": True}
        clock = pipecat("clocks.system_clock").SystemClock()
        clock.start()
        setup = pipecat("processors.frame_processor").FrameProcessorSetup(
            clock=clock,
            task_manager=self._tasks,
            # Function calls of an LLM would look here for the application's resources.
            pipeline_worker=SimpleNamespace(app_resources=None, worker_runner=None),
            **rates,
            **measured,
        )
        edge = _edge()
        edge(self._take).link(self.service)
        self.service.link(edge(self._take))
        await self.service.setup(setup)
        self._started = True
        await self._processed(self._frames.StartFrame(**rates, **measured))

    async def close(self) -> None:
        """Disconnect and end the service's tasks, within about `CLOSE_S`. Safe to call again.

        Cancelling is safe: the tasks are told to end all the same.
        """
        self._muted = True
        leaving = self._tasks.create_task(self._leave(), "leave")
        try:
            await asyncio.wait({leaving}, timeout=CLOSE_S)
        finally:
            # Some take a cancellation for leave to say goodbye more slowly: insist.
            for _ in range(INSIST):
                if left := set(self._tasks.current_tasks()):
                    for task in left:
                        task.cancel()
                    await asyncio.wait(left, timeout=CLOSE_S / INSIST)

    async def _leave(self) -> None:
        if self._started:
            self._started = False
            await self._processed(self._frames.CancelFrame())
        await self.service.cleanup()
        await _close_client(self.service)

    async def send(self, frame: Any, *, upstream: bool = False) -> None:
        """Hand `frame` to the service. Does not wait for it."""
        self.pending += 1
        direction = pipecat("processors.frame_processor").FrameDirection
        way = direction.UPSTREAM if upstream else direction.DOWNSTREAM
        await self.service.queue_frame(frame, way, self._done)

    async def interrupt(self) -> None:
        """Have the service drop what it does; nothing that it still pushes gets out. Does not
        wait: see `settled`."""
        self._muted = True
        interrupted = asyncio.get_running_loop().create_future()
        self._interrupted = interrupted
        await self._queue(self._frames.InterruptionFrame(), interrupted)
        self.pending = 0

    async def settled(self) -> bool:
        """Wait until the last interruption has taken effect. False if it does not."""
        if self._interrupted is not None:
            await asyncio.wait({self._interrupted}, timeout=SETTLE_S)
            if not self._interrupted.done():
                self.retire()
                return False
            self._interrupted = None
            self._muted = False
        return not self.spent

    async def _done(self, *_: Any) -> None:
        self.pending -= 1

    async def _queue(self, frame: Any, processed: asyncio.Future[None]) -> None:
        async def callback(*_: Any) -> None:
            if not processed.done():
                processed.set_result(None)

        downstream = pipecat("processors.frame_processor").FrameDirection.DOWNSTREAM
        await self.service.queue_frame(frame, downstream, callback)

    async def _processed(self, frame: Any) -> None:
        processed = asyncio.get_running_loop().create_future()
        await self._queue(frame, processed)
        await processed

    async def _take(self, frame: Any) -> None:
        """The service pushed `frame`, up or down."""
        match frame:
            case self._frames.ErrorFrame():
                self._fail(frame)
            case self._frames.MetricsFrame():
                for name, value in measures(frame.data):
                    self._on_metrics(name, value)
            case _:
                if not self._muted:
                    await self._on_frame(frame)

    def _fail(self, frame: Any) -> None:
        if self.failure is not None or self._muted:
            return
        self.failure = self._error(
            f"the service {self._name} failed: {frame.error}; "
            "check its key, its settings and its status page"
        )
        self.failure.__cause__ = frame.exception
        if self._opening is not None:  # whoever waits for the connection need not
            self._opening.reschedule(asyncio.get_running_loop().time())
        self._on_failure()

    @property
    def _name(self) -> str:
        return type(self.service).__name__


async def _close_client(service: Any) -> None:
    """pipecat leaves a service's HTTP client and its connections to the garbage collector."""
    close = getattr(getattr(service, "_client", None), "close", None)
    if inspect.iscoroutinefunction(close):
        await close()
