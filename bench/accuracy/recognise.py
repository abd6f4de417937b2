"""Speech through a recogniser as a call gives it: any STT stage of the engine."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from bench.errors import BenchError
from engine.clock import SystemClock
from engine.errors import PalabreError
from engine.frames import Audio, Expected, Frame, SpeechEnded, SpeechStarted, Transcript
from engine.link import Closed, Link
from engine.stage import Service
from pipelines.audio.resample import RATE_HZ

__all__ = ["CHUNK_S", "Heard", "Lane", "lane", "recognise"]

CHUNK_S = 0.08
"""What the gate hands to the recogniser at a time."""
CHUNK_BYTES = round(CHUNK_S * RATE_HZ) * 2
PATIENCE_S = 30.0
"""For one transcript, after which a recogniser counts as hung."""


@dataclass(frozen=True, slots=True)
class Heard:
    """A final transcript. Times are NaN where sound was not given at its own pace: the first
    interim's with a word, from the first sound; the final's, from when the recogniser was told
    that speech had ended. `late_ms` is by how much a chunk came too late, at most."""

    text: str
    first_ms: float = math.nan
    final_ms: float = math.nan
    late_ms: float = 0.0


class Lane:
    """One call's recogniser, to which utterances are given one after the other."""

    def __init__(self) -> None:
        self.inbox: Link[Frame] = Link(4096)
        self._clock = SystemClock()
        self._first_s = math.nan
        self._final: asyncio.Future[str] | None = None

    async def put(self, frame: Frame) -> None:
        """The outlet of the stage."""
        if isinstance(frame, Transcript):
            if not frame.final:
                if frame.text and math.isnan(self._first_s):
                    self._first_s = self._clock.now()
            elif self._final is not None and not self._final.done():
                self._final.set_result(frame.text)

    def failed(self, error: BaseException) -> None:
        """Nobody will answer any more."""
        if self._final is not None and not self._final.done():
            self._final.set_exception(error)

    async def say(
        self,
        pcm: bytes,
        *,
        backlog_s: Callable[[], float] | None,
        onset_s: float,
        expected: tuple[str, ...] = (),
    ) -> Heard:
        """`pcm` at its own pace; or, with `backlog_s`, as fast as it is decoded. Speech begins in
        it after `onset_s`; one of `expected` is the likely answer.

        Raises what the stage raises, and TimeoutError if nothing comes.
        """
        now = self._clock.now
        start = now()
        self._first_s = math.nan
        self._final = asyncio.get_running_loop().create_future()
        late_s = 0.0
        if expected:
            self._offer(Expected(expected))
        self._offer(SpeechStarted(start, start))
        for index, at in enumerate(range(0, len(pcm), CHUNK_BYTES), 1):
            chunk = pcm[at : at + CHUNK_BYTES]
            due = start + index * CHUNK_S
            if backlog_s is None:
                await asyncio.sleep(max(0.0, due - now()))
                late_s = max(late_s, now() - due)
            else:
                await asyncio.sleep(0)
                while backlog_s() > 1.0:  # noqa: ASYNC110 (nobody tells)
                    await asyncio.sleep(0.001)
            self._offer(Audio(chunk, RATE_HZ, now() - len(chunk) / (2 * RATE_HZ)))
        ended = now()
        self._offer(SpeechEnded(ended, ended))
        async with asyncio.timeout(PATIENCE_S):
            text = await self._final
        if backlog_s is not None:
            return Heard(text)
        first_ms = (self._first_s - start - onset_s) * 1000.0
        return Heard(text, first_ms, (now() - ended) * 1000.0, late_s * 1000.0)

    def _offer(self, frame: Frame) -> None:
        with contextlib.suppress(Closed):  # a stage that failed; `failed` says how
            self.inbox.offer(frame)


@contextlib.asynccontextmanager
async def lane(service: Service) -> AsyncIterator[Lane]:
    """A lane to `service`, which ends with the block."""
    made = Lane()

    async def run() -> None:
        try:
            await service.run(made.inbox, made)
        except PalabreError as error:
            made.failed(error)

    task = asyncio.create_task(run(), name="recogniser")
    try:
        yield made
    finally:
        made.inbox.close()
        _, hung = await asyncio.wait({task}, timeout=2.0)
        if hung:
            task.cancel()
            await asyncio.wait({task})


async def recognise(
    services: Sequence[Service],
    sounds: Sequence[bytes],
    *,
    backlog_s: Callable[[], float] | None,
    onset_s: float = 0.0,
    expected: Sequence[tuple[str, ...]] = (),
) -> list[Heard]:
    """What `services` make of `sounds`, shared among them; in the order of `sounds`, each with
    its own `expected` phrases, if there are any. Raises BenchError if one fails."""
    heard: dict[int, Heard] = {}
    phrases = expected or ((),) * len(sounds)
    waiting = iter(enumerate(zip(sounds, phrases, strict=True)))

    async def work(service: Service) -> None:
        async with lane(service) as one:
            for index, (pcm, likely) in waiting:
                heard[index] = await one.say(
                    pcm, backlog_s=backlog_s, onset_s=onset_s, expected=likely
                )

    try:
        async with asyncio.TaskGroup() as tasks:
            for service in services:
                tasks.create_task(work(service))
    except ExceptionGroup as failed:
        reason = failed.exceptions[0]
        told = str(reason) or f"it gave no transcript within {PATIENCE_S:.0f} s"
        raise BenchError(f"the recogniser failed: {told}") from failed
    return [heard[index] for index in range(len(sounds))]
