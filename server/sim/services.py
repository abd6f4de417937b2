"""Speech and understanding in virtual time: what the real ones do, recorded, and their troubles."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass

from engine.clock import Clock
from engine.errors import SpeechError, StoreError, UnderstandingError
from engine.flow import Question, Understanding
from engine.frames import Audio, Expected, Frame, Say, SpeechEnded, SpeechStarted, Transcript
from engine.link import Link
from engine.stage import Outlet
from engine.store import MemoryStore, StoredEvent
from pipelines.speech.hearing import Heard
from pipelines.speech.lines import put_line
from server.sim import heard
from server.sim.sounds import lines_sound

__all__ = [
    "Listening",
    "Model",
    "RecordedSTT",
    "SimStore",
    "SimTTS",
    "Trouble",
    "Troubles",
    "lognormal",
]

# docs/bench/response.md: the recogniser's own share of a turn, p50 and p95.
FINAL_MS = (7.4, 26.5)
INTERIM_MS = (5.0, 20.0)
PIECE = 60 * 32  # bytes: what espeak-ng gives at a time


@dataclass(frozen=True, slots=True)
class Trouble:
    """From when to when (on the loop's clock) the service `of` is in trouble: ``slow``, ``hang``
    (never answers), ``refuse`` (raises at once) or ``die`` (raises in the middle)."""

    of: str
    kind: str
    since: float
    until: float


class Troubles:
    """All of a call's; the clock is the loop's."""

    def __init__(self, clock: Clock, troubles: Sequence[Trouble] = ()) -> None:
        self._clock = clock
        self._of: dict[str, list[Trouble]] = {}
        for trouble in troubles:
            self._of.setdefault(trouble.of, []).append(trouble)

    def now(self, of: str) -> str:
        """What is wrong with `of` now; empty if nothing is."""
        if of not in self._of:
            return ""
        now = self._clock.now()
        return next((t.kind for t in self._of[of] if t.since <= now < t.until), "")


async def _for_ever() -> None:
    await asyncio.get_running_loop().create_future()


def lognormal(chance: random.Random, p50_ms: float, p95_ms: float) -> float:
    """Seconds, by two percentiles in milliseconds."""
    from math import log

    return p50_ms / 1000 * chance.lognormvariate(0.0, log(p95_ms / p50_ms) / 1.645)


Listening = Callable[[float, float], list[heard.Part]]
"""What was audible on the line between two moments of the engine's clock."""


class RecordedSTT:
    """The recogniser: as `VoskSTT`, but what it understands was recorded."""

    def __init__(self, listen: Listening, troubles: Troubles, chance: random.Random) -> None:
        self._listen = listen
        self._troubles = troubles
        self._chance = chance

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`. Raises SpeechError."""
        if self._troubles.now("stt") == "refuse":
            raise SpeechError("the recogniser refuses (simulated)")
        loop = asyncio.get_running_loop()
        phrases: tuple[str, ...] = ()
        expected: tuple[str, ...] = ()
        since: float | None = None
        until = 0.0
        text = ""
        latest: Transcript | None = None
        due: list[asyncio.TimerHandle] = []
        try:
            async for frame in inbox:
                match frame:
                    case Audio():
                        since = frame.at if since is None else since
                        until = frame.at + frame.duration_s
                        trouble = self._troubles.now("stt")
                        if trouble == "die":
                            raise SpeechError("the recogniser died (simulated)")
                        now_text = heard.interim(self._listen(since, until))
                        if now_text != text and trouble != "hang":
                            text = now_text
                            latest = Transcript(text, False, until)
                            delay = self._delay(INTERIM_MS, trouble)
                            due = [timer for timer in due if timer.when() > loop.time()]
                            due.append(loop.call_later(delay, inbox.offer, latest))
                    case Expected():
                        phrases = frame.phrases
                    case SpeechStarted():
                        since, text, latest = None, "", None
                        expected, phrases = phrases, ()
                        await outbox.put(frame)
                    case SpeechEnded(decided_at=decided_at):
                        await outbox.put(frame)
                        trouble = self._troubles.now("stt")
                        if trouble == "hang":
                            await _for_ever()
                        await asyncio.sleep(self._delay(FINAL_MS, trouble))
                        said = Heard()
                        if since is not None:
                            said = heard.final(self._listen(since, until), expected)
                        since, text, latest = None, "", None
                        await outbox.put(Transcript(said.text, True, decided_at, said.confidence))
                    case Transcript() if frame is not latest:
                        pass
                    case _:
                        await outbox.put(frame)
        finally:
            for timer in due:
                timer.cancel()

    def _delay(self, usual_ms: tuple[float, float], trouble: str) -> float:
        slow = self._chance.uniform(0.5, 2.5) if trouble == "slow" else 0.0
        return lognormal(self._chance, *usual_ms) + slow


class SimTTS:
    """The voice: espeak-ng's own sound, spoken before the call, given out as fast as a voice in
    this machine (`first_s` 0.3 ms) or in another (150 ms) would."""

    def __init__(self, troubles: Troubles, chance: random.Random, first_s: float) -> None:
        self._troubles = troubles
        self._chance = chance
        self._first_s = first_s

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        """See `engine.stage.Service`. Raises SpeechError."""
        async for frame in inbox:
            if isinstance(frame, Say):
                await put_line(frame, self._pieces(frame.text), outbox)
            else:
                await outbox.put(frame)

    async def _pieces(self, text: str) -> AsyncGenerator[bytes, None]:
        trouble = self._troubles.now("tts")
        if trouble == "refuse":
            raise SpeechError("the voice refuses (simulated)")
        if trouble == "hang":
            await _for_ever()
        slow = self._chance.uniform(0.3, 3.0) if trouble == "slow" else 0.0
        await asyncio.sleep(self._first_s * self._chance.uniform(0.7, 2.0) + slow)
        pcm = lines_sound(text)
        for start in range(0, len(pcm), PIECE):
            yield pcm[start : start + PIECE]
            if trouble == "die" and start > len(pcm) // 3:
                raise SpeechError("the voice died (simulated)")
            if self._first_s > 0.01:
                await asyncio.sleep(0.012)  # a fifth of what the piece sounds


class Model:
    """A language model before the examples: answers as they do, in its own time."""

    def __init__(
        self,
        read: Callable[[str, tuple[str, ...]], Understanding],
        troubles: Troubles,
        chance: random.Random,
        usual_ms: tuple[float, float],
    ) -> None:
        self._read = read
        self._troubles = troubles
        self._chance = chance
        self._usual_ms = usual_ms

    async def understand(self, text: str, question: Question) -> Understanding:
        """A rung. Raises UnderstandingError."""
        match self._troubles.now("mind"):
            case "refuse":
                raise UnderstandingError("the model refuses (simulated)")
            case "hang":
                await _for_ever()
            case "die":
                await asyncio.sleep(0.05)
                raise UnderstandingError("the model died (simulated)")
            case "slow":
                await asyncio.sleep(self._chance.uniform(0.2, 2.0))
            case _:
                await asyncio.sleep(lognormal(self._chance, *self._usual_ms))
        return self._read(text, question.intents)


class SimStore(MemoryStore):
    """A database 2 ms away, or out of reach, or whose answers are lost on the way (``die``)."""

    def __init__(self, troubles: Troubles) -> None:
        super().__init__()
        self._troubles = troubles

    def sessions(self) -> list[str]:
        """Those of which something was stored."""
        return list(self._logs)

    async def append(self, session: str, expected: int, events: Sequence[StoredEvent]) -> int:
        """See `engine.store.Store`."""
        await asyncio.sleep(0.002)
        match self._troubles.now("store"):
            case "refuse" | "slow":
                await asyncio.sleep(0.2)
                raise StoreError("the store is out of reach (simulated)")
            case "hang":
                await _for_ever()
            case "die":
                await super().append(session, expected, events)
                raise StoreError("the answer was lost (simulated)")
            case _:
                pass
        return await super().append(session, expected, events)
