"""Real services of pipecat on local servers, and a run of one stage beside a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pytest

from engine.errors import StageError
from engine.frames import Audio, Frame, SpeechEnded, SpeechStarted
from engine.link import Link
from engine.stage import Service
from pipelines.pipecat.host import Host, pipecat
from tests.pipelines.speech.harness import Outbox
from tests.wires.deepgram import Deepgram
from tests.wires.openai import OpenAI

F = TypeVar("F")

PIPECAT = [
    # deepgram-sdk still speaks through the old interface of websockets.
    pytest.mark.filterwarnings("ignore:websockets.legacy is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings(r"ignore:websockets\.\S+ is deprecated:DeprecationWarning"),
    pytest.mark.integration,
    pytest.mark.asyncio,
]


def deepgram_stt(server: Deepgram) -> Callable[[], Any]:
    def make() -> Any:
        from pipecat.services.deepgram.stt import DeepgramSTTService

        settings = DeepgramSTTService.Settings(model="nova-3", language="fr")
        return DeepgramSTTService(api_key="key", base_url=server.url, settings=settings)

    return make


def deepgram_tts(server: Deepgram, **options: Any) -> Callable[[], Any]:
    def make() -> Any:
        from pipecat.services.deepgram.tts import DeepgramTTSService

        return DeepgramTTSService(api_key="key", base_url=server.url, **options)

    return make


def openai_tts(server: OpenAI) -> Callable[[], Any]:
    def make() -> Any:
        from pipecat.services.openai.tts import OpenAITTSService

        return OpenAITTSService(api_key="key", base_url=server.url, sample_rate=24000)

    return make


def openai_llm(server: OpenAI, **settings: Any) -> Callable[[], Any]:
    def make() -> Any:
        from pipecat.services.openai.llm import OpenAILLMService

        chosen = OpenAILLMService.Settings(model="gpt-4.1-mini", **settings)
        return OpenAILLMService(api_key="key", base_url=server.url, settings=chosen)

    return make


def scripted(**hooks: Any) -> Any:
    """A frame processor that does what `hooks` say at each frame of a name, or in `setup` and
    `cleanup`, and passes everything on."""
    from pipecat.processors.frame_processor import FrameProcessor

    class Scripted(FrameProcessor):
        async def setup(self, setup: Any) -> None:
            await super().setup(setup)
            self.given = setup
            await self._act("setup", setup)

        async def cleanup(self) -> None:
            await super().cleanup()  # type: ignore[no-untyped-call]
            await self._act("cleanup", None)

        async def process_frame(self, frame: Any, direction: Any) -> None:
            await super().process_frame(frame, direction)
            await self._act(type(frame).__name__, frame)
            await self.push_frame(frame, direction)

        async def _act(self, name: str, frame: Any) -> None:
            if name in hooks:
                await hooks[name](self, frame)

    return Scripted()


async def hang(service: Any, frame: Any) -> None:
    await asyncio.Event().wait()


def complain(message: str) -> Callable[[Any, Any], Any]:
    async def act(service: Any, frame: Any) -> None:
        await service.push_error(message)

    return act


def text(content: str = "x") -> Any:
    return pipecat("frames.frames").TextFrame(content)


class Seen:
    """Hosts that are made, and what comes out of them."""

    def __init__(self, **hooks: Any) -> None:
        self.hooks = hooks
        self.frames: list[str] = []
        self.failures = 0
        self.hosts: list[Host] = []

    def host(self) -> Host:
        made = Host(
            lambda: scripted(**self.hooks), StageError, self._take, self._fail, lambda *_: None
        )
        self.hosts.append(made)
        return made

    async def _take(self, frame: Any) -> None:
        self.frames.append(type(frame).__name__)

    def _fail(self) -> None:
        self.failures += 1


@dataclass
class Metrics:
    seen: list[tuple[str, float]] = field(default_factory=list)

    def __call__(self, name: str, value: float) -> None:
        self.seen.append((name, value))

    def names(self) -> set[str]:
        return {name for name, _ in self.seen}

    def total(self, name: str) -> float:
        return sum(value for key, value in self.seen if key == name)


@dataclass
class Running:
    """A stage that runs beside the test."""

    inbox: Link[Frame]
    outbox: Outbox
    task: asyncio.Task[None]

    async def until(self, kind: type[F], count: int = 1) -> list[F]:
        """Wait for `count` frames of `kind`, at most 5 s; a stage that ended raises here."""
        async with asyncio.timeout(5):
            while len(found := self.of(kind)) < count:
                self.outbox.arrived.clear()
                arrived = asyncio.create_task(self.outbox.arrived.wait())
                await asyncio.wait({arrived, self.task}, return_when=asyncio.FIRST_COMPLETED)
                arrived.cancel()
                await asyncio.wait({arrived})
                if self.task.done() and len(self.of(kind)) < count:
                    self.task.result()
                    raise AssertionError(f"ended with {len(found)} {kind.__name__}")
        return found

    def of(self, kind: type[F]) -> list[F]:
        return [frame for frame in self.outbox.frames if isinstance(frame, kind)]

    async def finish(self) -> None:
        self.inbox.close()
        async with asyncio.timeout(5):
            await self.task

    async def cancel(self) -> None:
        self.task.cancel()
        await asyncio.wait({self.task})


@asynccontextmanager
async def running(service: Service) -> AsyncIterator[Running]:
    inbox: Link[Frame] = Link(1024)
    outbox = Outbox()
    task = asyncio.create_task(service.run(inbox, outbox))
    stage = Running(inbox, outbox, task)
    try:
        yield stage
    finally:
        await stage.cancel()


def utterance(at: float = 1.0, seconds: float = 1.2) -> list[Frame]:
    """Speech of `seconds`, in chunks of 80 ms, and its end."""
    chunks = [
        Audio(b"\1\0" * 1280, 16000, at + 0.08 * index) for index in range(round(seconds / 0.08))
    ]
    end = at + seconds
    return [SpeechStarted(at, at + 0.1), *chunks, SpeechEnded(end, end + 0.25)]


async def eventually(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a server's state has no event
            await asyncio.sleep(0.005)
