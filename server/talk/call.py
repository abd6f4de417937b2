"""A call over the media WebSocket in real time: a person, the far end, and what passed."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.clock import Clock
from server.talk.caller import HangUp
from server.talk.far_end import FarEnd, Message
from server.talk.line import RATE_HZ
from server.talk.person import Person

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

__all__ = ["Call", "CallError", "Passed"]

FRAME_S = 0.02
CLOSE_S = 1.0
"""How long a server may take to close the socket."""

LAST_WORDS_S = 2.0
"""How long we wait for the ledgers and the close that follow a hang-up of ours."""


class CallError(Exception):
    """The server could not be talked to; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Passed:
    """A message of the engine's and when it came, in seconds since the call began."""

    at_s: float
    message: Message


@dataclass(slots=True)
class Call:
    """One call to `url`, which has the query string. `track` is what the caller sent, from the
    same moment as the far end's; both are complete once `run` returns or is cancelled."""

    url: str
    person: Person
    clock: Clock
    watch: Callable[[Passed], None] = lambda passed: None
    played: Callable[[bytes], None] | None = None
    """Takes what the far end has played, as it plays it: a loudspeaker."""
    received: Callable[[bytes], None] = lambda pcm: None
    """Takes each BINARY message as it comes, in order with what `watch` sees."""
    rate_hz: int = RATE_HZ
    """Of both directions: what `url` asks for and `person` speaks at."""
    far: FarEnd | None = None
    track: bytearray = field(default_factory=bytearray)
    messages: list[Passed] = field(default_factory=list)
    ended: HangUp | None = None
    """How the caller ended it; None where the engine did."""

    async def run(self) -> None:
        """Hold the call until either side hangs up. Cancelling hangs up too.

        Raises CallError where the server refuses, fails or goes away.
        """
        from websockets.asyncio.client import connect
        from websockets.exceptions import InvalidHandshake, InvalidStatus, InvalidURI

        try:
            socket = await connect(
                self.url, compression=None, max_size=None, proxy=None, close_timeout=CLOSE_S
            )
        except InvalidStatus as error:
            status, body = error.response.status_code, error.response.body or b""
            raise CallError(
                f"{self.url} answered {status}: {body[:200].decode(errors='replace')}; "
                + ("call again later" if status == 503 else "check the address")
            ) from None
        except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
            raise CallError(
                f"cannot reach {self.url}: {error}; start a server with `palabre serve`"
            ) from None
        async with socket:
            self.far = FarEnd(self.rate_hz, self.clock.now())
            speaking = asyncio.create_task(self._speak(socket, self.far), name="speak")
            try:
                await self._listen(socket, self.far)
            finally:
                speaking.cancel()
                await asyncio.wait({speaking})
                self.far.advance(self.clock.now())
        failure = None if speaking.cancelled() else speaking.exception()
        if failure is not None:
            raise failure

    async def _listen(self, socket: ClientConnection, far: FarEnd) -> None:
        from websockets.exceptions import ConnectionClosed

        fatal: Message | None = None
        try:
            async for data in socket:
                now = self.clock.now()
                if isinstance(data, bytes):
                    self.received(data)
                    answers = far.receive(data, now)
                else:
                    message = json.loads(data)
                    answers = far.receive(message, now)
                    self._note(Passed(now - far.start, message))
                    if message.get("type") == "error" and message.get("fatal"):
                        fatal = message
                # A server that has closed meanwhile takes no answers; what it said before is read.
                with contextlib.suppress(ConnectionClosed):
                    for answer in answers:
                        await socket.send(json.dumps(answer))
        except ConnectionClosed as error:
            if fatal is None and self.ended is None:
                raise CallError(
                    f"the server went away in the middle of the call ({error}); see its log"
                ) from None
        if fatal is not None:
            raise CallError(f"the server says {fatal.get('code')}: {fatal.get('message')}")

    def _note(self, passed: Passed) -> None:
        self.messages.append(passed)
        self.person.hear(passed.message)
        self.watch(passed)

    async def _speak(self, socket: ClientConnection, far: FarEnd) -> None:
        """Send a frame as soon as it has been spoken, and marks as soon as they are reached."""
        from websockets.exceptions import ConnectionClosed

        frames = shown = 0
        try:
            while True:
                due = far.start + (frames + 1) * FRAME_S
                mark = far.due()
                wake = due if mark is None else min(due, mark)
                await asyncio.sleep(max(0.0, wake - self.clock.now()))
                now = self.clock.now()
                for answer in far.advance(now):
                    await socket.send(json.dumps(answer))
                if now < due:
                    continue
                if self.played is not None:
                    heard = far.track(shown)
                    shown += len(heard) // 2
                    self.played(heard)
                frame = self.person.frame(far, now)
                if isinstance(frame, HangUp):
                    self.ended = frame
                    await socket.send(json.dumps({"type": "hangup"}))
                    async with asyncio.timeout(LAST_WORDS_S):
                        await socket.wait_closed()
                    return
                self.track += frame
                frames += 1
                await socket.send(frame)
        except ConnectionClosed:
            return  # who listens says why
        except TimeoutError:
            await socket.close()
