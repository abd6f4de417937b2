"""The engine as a child process, for as long as a call lasts."""

from __future__ import annotations

import asyncio
import re
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from engine.clock import Clock
from server.talk.call import CallError

__all__ = ["Server"]

READY_S = 60.0
"""A first start trains the scenario's understanding and fills the phrase cache."""

STOP_S = 5.0

PROGRAM = (sys.executable, "-P", "-m", "server")
"""Whatever the working directory holds under that name is not it."""

TAIL = 15
"""Lines of its log that are shown when it fails."""

_URL = re.compile(rb"http://[\d.]+:\d+/")


class Server:
    """`palabre serve` on a free port of loopback, its output in `log`.

    A context manager; on every way out the process is ended, by its pid, and waited for.
    """

    def __init__(
        self, log: Path, arguments: Sequence[str], clock: Clock, program: Sequence[str] = PROGRAM
    ) -> None:
        self._log = log
        self._clock = clock
        with log.open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [*program, "serve", "--port", "0", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # A Ctrl-C on the terminal is ours: the server ends after the call has.
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for how in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            if self._process.poll() is not None:
                return
            self._process.send_signal(how)
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                continue

    async def ready(self) -> str:
        """Wait until it takes calls; its address, such as ``http://127.0.0.1:41234``.

        Raises CallError, with the end of its log, if it does not. Cancelling is safe.
        """
        import httpx

        give_up = self._clock.now() + READY_S
        state = "it said nothing"
        async with httpx.AsyncClient(timeout=1.0, trust_env=False) as client:
            while self._clock.now() < give_up:
                if (code := self._process.poll()) is not None:
                    raise CallError(f"the engine ended with exit code {code}{self._tail()}")
                if found := _URL.search(self._log.read_bytes()):
                    url = found.group().decode().rstrip("/")
                    try:
                        answer = await client.get(f"{url}/health")
                    except httpx.TransportError:
                        pass
                    else:
                        state = f"/health says {answer.text[:500]}"
                        if answer.status_code == 200:
                            return url
                        if '"broken"' in answer.text:
                            break
                await asyncio.sleep(0.03)
        raise CallError(f"the engine does not get ready: {state}{self._tail()}")

    def _tail(self) -> str:
        lines = self._log.read_text(encoding="utf-8", errors="replace").splitlines()
        shown = "\n  ".join(lines[-TAIL:])
        return f"; the end of {self._log}:\n  {shown}" if shown else f"; {self._log} is empty"
