"""A conversation in the terminal: what `palabre chat` runs and shows."""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import secrets
import signal
import sys
import threading
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from engine.clock import SystemClock
from engine.flow import Understanding
from engine.frames import Frame, Hangup, Heard, Ledger, Say, StateChanged
from engine.ladder import Ladder
from engine.store import MemoryStore
from pipelines.channels.terminal import TerminalChannel
from pipelines.mind import minds
from pipelines.mind.intents import Knowledge
from pipelines.text import TextConversation
from scenarios import find
from scenarios.script import ScriptFlow, load
from server.settings import Settings

if TYPE_CHECKING:
    from pipelines.mind.ollama import Ollama

__all__ = ["converse"]

TYPING_S = 0.3
"""A reply that comes sooner needs no sign that it is being written."""
STDIN = 0


async def converse(scenario: str, language: str | None, *, verbose: bool) -> str:
    """Hold one conversation on standard input and output; the reason of its end is returned.

    Raises ConfigurationError for a scenario or language that there is not.
    """
    settings = Settings()
    clock = SystemClock()
    script = load(find(scenario), language)
    understanding, ollama = _minds(settings, script.knowledge, clock)
    screen = _Screen(Console(highlight=False, soft_wrap=True), script.name, verbose=verbose)
    channel = TerminalChannel(screen.show, clock, script=not sys.stdin.isatty())
    conversation = TextConversation(
        secrets.token_hex(8),
        channel,
        ScriptFlow(script),
        understanding,
        MemoryStore(),
        clock,
        quiet_s=0.0,  # Enter says that the message is whole
        silence_s=120.0,
    )
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):  # no signal handlers on Windows' loops
        loop.add_signal_handler(signal.SIGINT, channel.hang_up)
    reading = asyncio.create_task(channel.read(_lines(loop)), name="standard input")
    try:
        return await conversation.run()
    finally:
        reading.cancel()
        await asyncio.wait({reading})
        screen.close()
        with contextlib.suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
        if ollama is not None:
            await ollama.close()


def _minds(
    settings: Settings, knowledge: Knowledge, clock: SystemClock
) -> tuple[Ladder[Understanding], Ollama | None]:
    ollama = None
    if settings.mind == "ollama":
        from pipelines.mind.ollama import Ollama

        ollama = Ollama(settings.ollama_url, settings.ollama_model)
    return minds(knowledge, clock, settings.cache_dir, ollama), ollama


async def _lines(loop: asyncio.AbstractEventLoop) -> AsyncIterator[str]:
    """Lines of standard input, be it a terminal, a pipe or a file.

    Read in a thread of its own that nobody waits for: no terminal takes a read back. It reads the
    descriptor, since the buffer of `sys.stdin` would be locked when Python ends.
    """
    queue: asyncio.Queue[bytes] = asyncio.Queue()

    def read() -> None:
        data = b"-"
        while data:
            try:
                data = os.read(STDIN, 4096)
            except OSError:
                data = b""
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(queue.put_nowait, data)

    threading.Thread(target=read, name="standard input", daemon=True).start()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    rest = ""
    while data := await queue.get():
        *whole, rest = (rest + decoder.decode(data)).split("\n")
        for line in whole:
            yield line
    if rest:
        yield rest


class _Screen:
    """Prints a conversation."""

    def __init__(self, console: Console, name: str, *, verbose: bool) -> None:
        self._console = console
        self._name = name
        self._verbose = verbose
        self._typing: asyncio.TimerHandle | None = None

    def show(self, frame: Frame) -> None:
        match frame:
            case Say(text=text):
                self._line(self._name, text, "bold cyan")
            case Heard(text=text):
                self._line("you", text, "bold green")
            case StateChanged(state=state):
                self._state(state)
            case Ledger(turn=turn) if self._verbose:
                self._line("", _account(turn), "", "dim")
            case Hangup(reason=reason):
                self._line("", f"the conversation is over: {reason}", "", "dim")
            case _:
                pass

    def _state(self, state: str) -> None:
        self.close()
        if state == "processing":
            loop = asyncio.get_running_loop()
            self._typing = loop.call_later(
                TYPING_S, lambda: self._line(self._name, "…", "bold cyan", "dim")
            )

    def _line(self, who: str, text: str, style: str, text_style: str = "") -> None:
        self._console.print(Text.assemble((f"{who:>8}  ", style), (text, text_style)))

    def close(self) -> None:
        if self._typing is not None:
            self._typing.cancel()
            self._typing = None


def _account(turn: dict[str, Any]) -> str:
    spans = ", ".join(f"{stage} {ms:.1f}" for stage, ms in turn["spans"].items() if ms >= 0.05)
    intent = turn["intent"] or "not understood"
    heard = f"{intent} {turn['confidence'] or 0:.2f}, " if turn["heard"] else ""
    steps = "".join(f", left {step['left']}: {step['why']}" for step in turn["steps_down"])
    return f"turn {turn['turn']}: {heard}{turn['gap_ms']:.1f} ms ({spans}){steps}"
