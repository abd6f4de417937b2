"""The recognisers of a process: which model each scenario is heard with, each loaded once."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import structlog

from engine.clock import Clock
from engine.errors import SpeechError
from pipelines.speech.decoding import Decoder
from pipelines.speech.models import Found, find_model
from pipelines.speech.models.built import built_for, built_name
from pipelines.speech.vosk import VoskModel
from scenarios.script import Script
from server.settings import Settings

__all__ = ["Recognisers"]

log = structlog.get_logger()

SHOWN = 10
"""Words that a warning names; their number says the rest."""


class Recognisers:
    """Models by scenario. All of them are decoded by one `decoder`, whose threads are as many as
    cores: `close` ends it."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.decoder = Decoder(clock.now)
        self._settings = settings
        self._models: dict[Path, VoskModel] = {}
        self._chosen: dict[tuple[str, str], Found] = {}

    async def start(self, scripts: list[Script]) -> None:
        """Load what `scripts` are heard with. The language of the first needs a recogniser; others
        have one if it is there. Raises SpeechError."""
        first = scripts[0].language
        for script in scripts:
            if script.language == first:
                await self._load(script, self._settings.model)
            else:
                with suppress(SpeechError):
                    await self._load(script, None)

    async def _load(self, script: Script, wanted: str | None) -> None:
        found = self._choose(script, wanted)
        model = self._models.get(found.path)
        if model is None:
            model = VoskModel(found.path, decoder=self.decoder)
            await model.load()
            self._models[found.path] = model
        self._chosen[script.name, script.language] = found
        missing = model.unknown_words(script.vocabulary())
        if missing:
            log.warning(
                "vosk.unknown_words",
                model=found.name,
                scenario=script.name,
                language=script.language,
                count=len(missing),
                words=missing[:SHOWN],
                do=f"palabre models build --scenario {script.name}" if found.notice else None,
            )

    def _choose(self, script: Script, wanted: str | None) -> Found:
        """What the settings name, else a real model that is installed, else the one built for the
        scenario, else the demo."""
        models_dir, language = self._settings.models_dir, script.language
        found = find_model(language, models_dir, wanted)
        if wanted is not None or not found.demo:
            return found
        built = built_for(script.name, language, models_dir, found.path)
        if built is not None:
            return Found(built.name, built, language, found.notice)
        if (models_dir / built_name(script.name, language)).exists():
            log.warning(
                "vosk.outdated_model",
                model=built_name(script.name, language),
                instead=found.name,
                do=f"palabre models build --scenario {script.name}",
            )
        return found

    def hears(self, script: Script) -> bool:
        """Whether there is a recogniser for it."""
        return (script.name, script.language) in self._chosen

    def of(self, script: Script) -> tuple[VoskModel, str]:
        """Its recogniser, and what whoever reads the transcripts should know about that.

        Raises SpeechError, which says what to run, if there is none.
        """
        found = self._chosen.get((script.name, script.language))
        if found is None:
            find_model(script.language, self._settings.models_dir)
            raise SpeechError("a recogniser was installed since; restart the server to use it")
        return self._models[found.path], found.notice

    async def check(self) -> str | None:
        """Every recogniser recognises."""
        if not self._models:
            return "no recogniser is loaded; run `palabre models` and restart the server"
        for model in self._models.values():
            await model.check()
        return None

    def close(self) -> None:
        self.decoder.close()
