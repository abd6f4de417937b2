"""The recognisers that are compared: Vosk models by name or path, Deepgram by key."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from engine.clock import SystemClock
from engine.errors import PalabreError
from engine.stage import Service
from pipelines.speech.grammar import spelled
from pipelines.speech.hearing import Hearing
from pipelines.speech.models import MODELS, find_model
from pipelines.speech.vosk import VoskModel, VoskSTT

__all__ = ["DEEPGRAM", "Deepgram", "Recogniser", "System", "Unmeasured", "Vosk", "named"]

DEEPGRAM = "deepgram"
LANES = 4
"""Utterances decoded at a time: enough to keep two cores busy."""
DEEPGRAM_LANES = 16
"""Its limit is in the tens; the wait is the sound's own length."""


Closed = Callable[[Sequence[str], Sequence[bytes]], list[str]]
"""What is heard of sounds when nothing but some phrases can be heard."""


@dataclass(frozen=True, slots=True)
class Recogniser:
    """One that is ready: `make` a stage for a call. `backlog_s` is None for one to which sound
    must be given at its own pace, `closed` for one that takes no grammar."""

    make: Callable[[], Service]
    lanes: int
    backlog_s: Callable[[], float] | None = None
    closed: Closed | None = None
    knows: Callable[[str], bool] = lambda word: True
    """Whether a word is in its vocabulary."""


@dataclass(frozen=True, slots=True)
class Vosk:
    """A model in this machine."""

    name: str
    path: Path

    @contextlib.asynccontextmanager
    async def ready(self) -> AsyncIterator[Recogniser]:
        """Loaded. Raises SpeechError."""
        model = VoskModel(self.path)
        try:
            await model.load()
            # A probe of one phrase: None where the graph is fixed, as that of large models.
            takes = model.grammar(("oui", "yes")) is not None
            yield Recogniser(
                lambda: VoskSTT(model),
                LANES,
                lambda: model.backlog_s,
                self._closed(model) if takes else None,
                lambda word: spelled(word, model.knows) is not None,
            )
        finally:
            model.close()

    def _closed(self, model: VoskModel) -> Closed:
        import vosk

        own: list[Any] = []

        def closed(phrases: Sequence[str], sounds: Sequence[bytes]) -> list[str]:
            if not own:
                own.append(vosk.Model(str(self.path)))
            hearing = Hearing(own[0], model.grammar(tuple(phrases)))
            texts = []
            for pcm in sounds:
                hearing.feed(pcm)
                texts.append(hearing.final().text)
                hearing.reset()
            return texts

        return closed


@dataclass(frozen=True, slots=True)
class Deepgram:
    """nova-3 over the network, through pipecat's service (extra `pipecat`)."""

    key: str
    language: str
    url: str = ""
    name: str = DEEPGRAM

    @contextlib.asynccontextmanager
    async def ready(self) -> AsyncIterator[Recogniser]:
        """Sound goes to it at its own pace, as a call's does."""
        from pipelines.pipecat.stt import PipecatSTT

        def service() -> Any:
            from pipecat.services.deepgram.stt import DeepgramSTTService

            settings = DeepgramSTTService.Settings(model="nova-3", language=self.language)
            return DeepgramSTTService(api_key=self.key, base_url=self.url, settings=settings)

        yield Recogniser(lambda: PipecatSTT(service, SystemClock()), DEEPGRAM_LANES)


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """One that is not here, and the command with which it would be."""

    name: str
    why: str
    command: str


System = Vosk | Deepgram | Unmeasured


def named(wanted: str, language: str, models_dir: Path, deepgram_key: str) -> System:
    """`wanted` is a model's name, its path, ``name=path``, or ``deepgram``.

    Raises BenchError for a path that is none.
    """
    if wanted == DEEPGRAM:
        if not deepgram_key:
            command = "DEEPGRAM_API_KEY=… python -m bench accuracy --model deepgram"
            return Unmeasured(DEEPGRAM, "not measured: no key", command)
        return Deepgram(deepgram_key, language)
    name, _, path = wanted.rpartition("=")
    try:
        found = find_model(language, models_dir, path)
    except PalabreError as error:
        if path in {model.name for model in MODELS}:
            command = f"palabre models fetch {path} && python -m bench accuracy --model {path}"
            return Unmeasured(path, "not measured: not installed", command)
        raise BenchError(str(error)) from error
    return Vosk(name or found.name, found.path)
