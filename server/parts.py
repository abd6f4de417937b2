"""The parts of a server, from its settings: one of each per process, given to every call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from engine.channel import AudioChannel
from engine.clock import Clock
from engine.errors import ProtocolError
from engine.flow import Understanding
from engine.frames import Frame
from engine.ladder import Ladder
from engine.mouth import Mouth
from engine.session import Session
from engine.store import MemoryStore, Store, StoredEvent
from pipelines.audio.comfort import noise
from pipelines.audio.ticker import Ticker
from pipelines.mind import minds
from pipelines.mind.ollama import Ollama
from pipelines.speech.decoding import Decoder
from pipelines.turns.barge_in import BargeIn
from pipelines.voice import Speech, VoiceCall
from scenarios import find, names
from scenarios.script import Script, ScriptFlow, load
from server.health import Check
from server.settings import Settings
from server.voices import LocalSpeech, NullSpeech, SpeechParts
from storage.journal import JournalStore

__all__ = ["Parts", "Running"]

TELEPHONE_HZ = (8000, 16000)


@dataclass(frozen=True, slots=True)
class Running:
    """A scenario in one language, ready to be talked to."""

    script: Script
    flow: ScriptFlow
    minds: Ladder[Understanding]
    barge_in: BargeIn


class Parts:
    """Everything that calls share. `start` before the first call, `close` after the last.

    `speech` and `store` take the place of those that the settings name.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        ticker: Ticker,
        *,
        speech: SpeechParts | None = None,
        store: Store | None = None,
    ) -> None:
        self.clock = clock
        self.default = settings.default_scenario
        self._settings = settings
        self._ticker = ticker
        self._ollama: Ollama | None = None
        if settings.mind == "ollama":
            self._ollama = Ollama(settings.ollama_url, settings.ollama_model)
        self._journal = JournalStore(settings.journal) if settings.journal else None
        self._store = store or self._journal
        self._running: dict[tuple[str, str], Running] = {}
        self._speech = speech or (
            NullSpeech(settings, clock)
            if settings.speech == "null"
            else LocalSpeech(settings, clock)
        )

    async def start(self) -> None:
        """Load what calls need: every scenario in each of its languages.

        Raises ConfigurationError or SpeechError, which say what to do.
        """
        default = find(self._settings.default_scenario)
        for path in dict.fromkeys([default, *map(find, names())]):
            first = load(path)
            for language in first.languages:
                script = first if language == first.language else load(path, language)
                if (script.name, language) not in self._running:  # one's own goes before ours
                    await asyncio.to_thread(self._prepare, script)
        scripts = [running.script for running in self._running.values()]
        self.default = scripts[0].name
        for rate_hz in TELEPHONE_HZ:  # 50 ms that the first caller would wait
            await asyncio.to_thread(noise, rate_hz)
        await self._speech.start(scripts)

    def _prepare(self, script: Script) -> None:
        running = Running(
            script,
            ScriptFlow(script),
            minds(script.knowledge, self.clock, self._settings.cache_dir, self._ollama),
            BargeIn.of(script.backchannels, script.stop_words),
        )
        self.serve(running)

    def serve(self, running: Running) -> None:
        """Let calls ask for it."""
        self._running[running.script.name, running.script.language] = running

    @property
    def scenarios(self) -> set[str]:
        """The names of those that calls can ask for."""
        return {name for name, _ in self._running}

    def running(self, name: str, language: str) -> Running:
        """The scenario `name` in `language` (its first if empty). Raises ProtocolError for one that
        there is not, and for a language that it does not speak."""
        languages = [known for scenario, known in self._running if scenario == name]
        if not languages:
            known = ", ".join(sorted(self.scenarios))
            raise ProtocolError(
                "request.scenario", f"unknown scenario {name[:40]!r}; known: {known}", 4400
            )
        try:
            return self._running[name, language or languages[0]]
        except KeyError:
            raise ProtocolError(
                "request.language",
                f"scenario {name} does not speak {language[:10]!r}; it speaks: "
                f"{', '.join(languages)}",
                4400,
            ) from None

    def speech(self, running: Running) -> Speech:
        """What a call in that language hears and speaks with. Raises SpeechError."""
        return self._speech.speech(running.script)

    def call(
        self,
        session_id: str,
        channel: AudioChannel,
        running: Running,
        speech: Speech,
        watch: Callable[[Frame], None],
    ) -> VoiceCall:
        """A call on `channel`; `watch` is told its states and ledgers."""

        def converse(mouth: Mouth) -> Session:
            return Session(
                session_id,
                running.flow,
                running.minds,
                mouth,
                self.store,
                self.clock,
                silence_s=self._settings.silence_s,
                watch=watch,
                notice=speech.notice,
            )

        return VoiceCall(channel, speech, converse, running.barge_in, self.clock, self._ticker)

    @property
    def store(self) -> Store:
        """Where a session's log goes: one that forgets it with the session, unless one is set."""
        return self._store or MemoryStore()

    @property
    def decoder(self) -> Decoder:
        """What recognises the sound of all calls."""
        return self._speech.decoder

    def checks(self) -> dict[str, Check]:
        """By part: how to see whether it works."""
        checks = {
            **self._speech.checks(),
            "understanding": self._check_understanding,
            "store": self._journal.check if self._journal else _check_store,
        }
        if self._ollama is not None:
            checks["ollama"] = self._ollama.check
        return checks

    def caches(self) -> dict[str, Callable[[], tuple[int, int]]]:
        """By cache: its hits and misses so far."""
        return self._speech.caches()

    async def _check_understanding(self) -> str | None:
        """The last rung of every scenario's ladder, which all others fall back on, answers."""
        for running in self._running.values():
            question = running.flow.question(running.flow.start())
            if question.intents:
                await running.minds.rungs[-1].run("oui", question)
        return None if self._running else "no scenario is loaded; restart the server"

    async def close(self) -> None:
        """Give everything back, after the last call."""
        await self._speech.close()
        if self._ollama is not None:
            await self._ollama.close()


async def _check_store() -> str | None:
    store = MemoryStore()
    await store.append("check", 0, (StoredEvent("checked", 0.0),))
    return None if await store.read("check") else "it forgets; restart the server"
