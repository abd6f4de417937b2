"""`palabre talk`, from its options to its exit code."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from rich.console import Console

from engine.budget import LatencyBudget
from engine.clock import Clock, SystemClock
from scenarios import find
from server.talk.call import Call, CallError, Passed
from server.talk.caller import Caller
from server.talk.child import Server
from server.talk.line import BAND_HZ, SNR_DB, Line, pick_voice, utterance
from server.talk.measures import Measures, measure
from server.talk.person import Person, Recording, Simulated
from server.talk.plan import load_plan, steps_of
from server.talk.report import write
from server.talk.screen import Screen

__all__ = ["Options", "run"]

LONGEST_S = 180.0
"""A call that has not come to its end by then is hung up, unless a person speaks."""

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended."""


@dataclass(frozen=True, slots=True)
class Options:
    """What `palabre talk` was asked for; the folder `out` exists."""

    scenario: str
    language: str | None
    seed: int
    out: Path
    url: str | None = None
    wav: bytes | None = None
    mic: bool = False
    quick: bool = False


Made = tuple[Person, dict[str, Any]]


def run(options: Options, console: Console) -> int:
    """Make the call and tell about it; the exit code.

    Raises ConfigurationError or MicrophoneError for what cannot be done.
    """
    talk = _Talk(options, console, SystemClock())
    with asyncio.Runner() as runner:
        return runner.run(talk.main())


class _Talk:
    def __init__(self, options: Options, console: Console, clock: Clock) -> None:
        self._options = options
        self._console = console
        self._clock = clock
        self._began = clock.now()
        self._budget_ms = LatencyBudget().total_ms
        self._screen = Screen(console, self._budget_ms)
        self._call: Call | None = None
        self._facts: dict[str, Any] = {}
        self._played: Callable[[bytes], None] | None = None
        self._stack = contextlib.ExitStack()

    async def main(self) -> int:
        with self._stack:
            task = asyncio.create_task(self._converse(), name="talk")
            with _stopping(task.cancel):
                await asyncio.wait({task})
            return self._conclude(task)

    def _conclude(self, task: asyncio.Task[None]) -> int:
        problem = "" if task.cancelled() else _problem(task.exception())
        call = self._call
        measures = None
        if call is not None and call.far is not None:
            measures = measure(call)
            self._tell(call, measures)
        if problem:
            self._console.print(f"[red]palabre talk: {_plain(problem)}[/]", highlight=False)
            return 1
        if task.cancelled():
            self._console.print("stopped", highlight=False)
            return INTERRUPTED
        if measures is None or call is None:
            return 1
        unanswered = call.ended is not None and not call.ended.answered
        if unanswered or not (measures.responses() or self._options.mic):
            self._console.print(
                "[red]palabre talk: the engine did not answer the caller; "
                f"see {self._options.out / 'server.log'}[/]"
                if self._options.url is None
                else "[red]palabre talk: the engine did not answer the caller; see its log[/]",
                highlight=False,
            )
            return 1
        return 0

    def _tell(self, call: Call, measures: Measures) -> None:
        self._screen.summary(measures)
        paths = write(self._options.out, call, measures, self._facts, self._budget_ms)
        names = ", ".join(path.name for path in paths)
        self._console.print(f"left in      {self._options.out}: {names}", highlight=False)

    async def _converse(self) -> None:
        options = self._options
        made: Made | None = None
        if options.wav is not None:
            made = Recording(options.wav), {"caller": "recording"}
        elif options.mic:
            made = self._microphone()
        server = None
        if options.url is None:
            find(options.scenario)
            arguments = ["--scenario", options.scenario]
            server = self._stack.enter_context(
                Server(options.out / "server.log", arguments, self._clock)
            )
            self._console.print("starting the engine…", highlight=False)
        # A simulated caller's lines are made while the engine loads.
        if made is None:
            made = await asyncio.to_thread(self._simulated)
        person, facts = made
        self._facts = {"scenario": options.scenario, "language": options.language, **facts}
        url = options.url
        if server is not None:
            address = await server.ready()
            took_s = self._clock.now() - self._began
            self._console.print(f"ready after {took_s:.1f} s at {address}", highlight=False)
            url = f"{address.replace('http', 'ws', 1)}/media"
        assert url is not None
        query = {"scenario": options.scenario, "rate": 16000, "features": "mark,clear,pause"}
        if options.language:
            query["language"] = options.language
        separator = "&" if "?" in url else "?"
        call = Call(f"{url}{separator}{urlencode(query, safe=',')}", person, self._clock)
        call.watch = self._passed
        call.played = self._played
        self._call = call
        if options.mic:
            await call.run()
            return
        try:
            async with asyncio.timeout(LONGEST_S):
                await call.run()
        except TimeoutError:
            raise CallError(f"the call did not end within {LONGEST_S:.0f} s") from None

    def _microphone(self) -> Made:
        from server.talk.microphone import Microphone

        microphone = self._stack.enter_context(Microphone())
        self._played = microphone.play
        self._console.print("speak after the greeting; Ctrl-C hangs up", highlight=False)
        return microphone, {"caller": "microphone"}

    def _simulated(self) -> Made:
        from pipelines.speech.espeak import synthesise
        from scenarios.script import load

        options = self._options
        path = find(options.scenario)
        script = load(path, options.language)
        plan = load_plan(path.with_name("caller.yaml"), script.language)
        voice = pick_voice(plan.voices, options.seed)
        utterances = {
            text: utterance(text, synthesise(text, voice.name, voice.rate_wpm, voice.pitch))
            for text in plan.lines()
        }
        steps, ends = steps_of(script)
        caller = Caller(plan, steps, ends, seed=options.seed, quick=options.quick)
        self._console.print(
            f"synthetic caller, seed {options.seed}: {voice}; "
            f"telephone band {BAND_HZ[0]} to {BAND_HZ[1]} Hz, noise {SNR_DB:.0f} dB below",
            highlight=False,
        )
        facts = {
            "caller": "synthetic",
            "seed": options.seed,
            "voice": {"name": voice.name, "rate_wpm": voice.rate_wpm, "pitch": voice.pitch},
            "line": {"band_hz": BAND_HZ, "snr_db": SNR_DB},
        }
        return Simulated(caller, Line(options.seed), utterances, self._says), facts

    def _says(self, text: str, kind: str) -> None:
        assert self._call is not None
        assert self._call.far is not None
        self._screen.says(self._clock.now() - self._call.far.start, text, kind)

    def _passed(self, passed: Passed) -> None:
        if passed.message.get("type") != "turn":
            self._screen.passed(passed)
            return
        assert self._call is not None
        heard_ms = measure(self._call).heard_ms.get(passed.message["turn"])
        if heard_ms is not None:
            self._screen.turn(passed.message, heard_ms)


@contextlib.contextmanager
def _stopping(stop: Callable[[], object]) -> Iterator[None]:
    """Have the signals that end a program call `stop`."""
    loop = asyncio.get_running_loop()
    signals = [signal.SIGINT, signal.SIGTERM]
    if sys.platform != "win32":
        signals.append(signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _problem(error: BaseException | None) -> str:
    if error is None:
        return ""
    if isinstance(error, CallError):
        return str(error)
    raise error


def _plain(text: str) -> str:
    return text.replace("[", r"\[")
