"""`palabre call`, from its options to its exit code: an engine for one call.

It has an application of its own in Asterisk, so that a server that runs there keeps its calls, and
dials Asterisk for the sound, so that it needs no port.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import re
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console

from engine.clock import SystemClock
from engine.errors import ConfigurationError
from server.app import Application
from server.asterisk.outbound import CallResult
from server.phone.live import Live
from server.settings import Settings
from telephony.asterisk.ari.errors import AriError
from telephony.asterisk.outcome import Outcome

__all__ = ["Asked", "application_name", "place"]

CONNECT_S = 5.0
AT_ONCE = 16
"""Calls that may be placed from one machine at the same time by this command."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What `palabre call` was asked for; what is empty is the settings' choice."""

    number: str
    scenario: str = ""
    language: str = ""
    caller_id: str = ""
    timeout_s: float = 45.0


def place(settings: Settings, asked: Asked, console: Console) -> int:
    """Make the call and show it; the exit code.

    Raises PalabreError where there was no call: of settings, Asterisk, or speech.
    """
    if not settings.ari_url:
        raise ConfigurationError(
            "there is no Asterisk to call through; set PALABRE_ARI_URL, such as "
            "http://127.0.0.1:8088/ari, and see `palabre asterisk config`"
        )
    with _application(settings) as app, asyncio.Runner() as runner:
        alone = {"ari_app": app, "ari_media": "server", "ari_listen": ""}
        ours = settings.model_copy(update=alone)
        result = runner.run(_call(ours, asked, Live(console, SystemClock())))
    return 0 if result.outcome == Outcome.ANSWERED else 1


async def _call(settings: Settings, asked: Asked, live: Live) -> CallResult:
    application = Application(settings)
    asterisk = application.asterisk
    assert asterisk is not None
    live.starting()
    await application.parts.start()
    controlling = asyncio.create_task(asterisk.run(), name="asterisk")
    try:
        await _connected(application, controlling)
        result = await asterisk.outbound.place(
            asked.number,
            scenario=asked.scenario,
            language=asked.language,
            caller_id=asked.caller_id,
            timeout_s=asked.timeout_s,
            watch=live.watch,
            progress=live.progress,
        )
    finally:
        controlling.cancel()
        await asyncio.wait({controlling})
        await application.parts.close()
    live.result(result)
    return result


async def _connected(application: Application, controlling: asyncio.Task[None]) -> None:
    """Raises what `controlling` failed with, or AriError if it does not connect in time."""
    assert application.asterisk is not None
    deadline = application.calls.clock.now() + CONNECT_S
    while (problem := await application.asterisk.check()) is not None:
        if controlling.done():
            controlling.result()
        if application.calls.clock.now() > deadline:
            raise AriError("ari.unreachable", problem)
        await asyncio.sleep(0.01)


@contextlib.contextmanager
def _application(settings: Settings) -> Iterator[str]:
    """The name of an application that nobody uses now. Whoever has it next clears away what a call
    that was killed has left, since names are used again."""
    folder = settings.cache_dir / "calls"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(AT_ONCE):
        with (folder / f"{number}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield application_name(settings.ari_app, socket.gethostname(), number)
            return
    raise ConfigurationError(
        f"{AT_ONCE} calls are being placed from this machine; wait, or use `palabre serve`"
    )


def application_name(app: str, host: str, number: int) -> str:
    """One for each machine and each of its calls: an application belongs to one engine."""
    return f"{app}-call-{re.sub('[^0-9A-Za-z]+', '-', host)[:40]}-{number}"
