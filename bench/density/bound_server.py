"""The bound: what a voice call costs when nothing but the call is done.

A bare WebSocket (the sans-I/O core of `websockets` on uvloop), a VAD, an endpoint after 240 ms
of silence, and a paced reply from one ticker. No session, no transcript, no interruption, no
control messages: an engine can approach this and not pass it.

    python -m bench.density.bound_server --port 9000 --vad webrtc
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
from typing import TYPE_CHECKING, Any, cast

import uvloop
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from bench.density.script import (
    ENDPOINTING_MS,
    FRAME_BYTES,
    FRAME_MS,
    WEBRTC_MODE,
    reply_pcm,
)
from bench.density.vad import SILERO_WINDOW_BYTES, SileroBatch, is_webrtc_speech, silero_model

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Speech begins after 200 ms of it (pipecat's start_secs): shorter sounds are no turn.
START_MS = 200
SILERO_THRESHOLD = 0.5
SILERO_WINDOW_MS = 32


class Endpointer:
    """Verdicts of ``step_ms`` in, True once for each end of speech."""

    __slots__ = ("_silence", "_speaking", "_speech", "_start_steps", "_stop_steps")

    def __init__(self, step_ms: int) -> None:
        self._start_steps = -(-START_MS // step_ms)
        self._stop_steps = -(-ENDPOINTING_MS // step_ms)
        self._speech = 0
        self._silence = 0
        self._speaking = False

    def step(self, speech: bool) -> bool:
        """Take one verdict; whether speech has ended with it."""
        if speech:
            self._speech += 1
            self._silence = 0
            if self._speech >= self._start_steps:
                self._speaking = True
            return False
        self._speech = 0
        if not self._speaking:
            return False
        self._silence += 1
        if self._silence < self._stop_steps:
            return False
        self._silence = 0
        self._speaking = False
        return True


class Ticker:
    """Sends the next 20 ms of every reply that is under way, against absolute deadlines."""

    def __init__(self, silero: SileroBatch | None) -> None:
        self.speaking: dict[Call, Iterator[bytes]] = {}
        self.silero = silero
        self.waiting: list[Call] = []
        pcm = reply_pcm()
        self.frames = [
            Frame(Opcode.BINARY, pcm[at : at + FRAME_BYTES]).serialize(mask=False)
            for at in range(0, len(pcm), FRAME_BYTES)
        ]

    async def run(self) -> None:
        """Tick until cancelled, which is safe at any time."""
        due_s = time.monotonic()
        while True:
            due_s += FRAME_MS / 1000.0
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            if self.silero is not None and self.waiting:
                self._hear(self.silero)
            for call, frames in list(self.speaking.items()):
                frame = next(frames, None)
                if frame is None:
                    del self.speaking[call]
                else:
                    call.write(frame)

    def reply(self, call: Call) -> None:
        """Begin the fixed reply with the next tick."""
        self.speaking[call] = iter(self.frames)

    def _hear(self, silero: SileroBatch) -> None:
        calls, self.waiting = self.waiting, []
        probabilities, states = silero(
            [call.take_window() for call in calls], [call.state for call in calls]
        )
        for call, probability, state in zip(calls, probabilities, states, strict=True):
            call.state = state
            if call.endpointer.step(probability >= SILERO_THRESHOLD):
                self.reply(call)
            if call.has_window():
                self.waiting.append(call)


class Call(asyncio.Protocol):
    """One WebSocket: sound in, the fixed reply out."""

    def __init__(self, ticker: Ticker) -> None:
        self._ticker = ticker
        self._websocket = ServerProtocol(max_size=1 << 16)
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        if ticker.silero is None:
            self._is_speech = is_webrtc_speech(WEBRTC_MODE)
            self.endpointer = Endpointer(FRAME_MS)
        else:
            self.state: tuple[Any, Any] = ticker.silero.new_state()
            self.endpointer = Endpointer(SILERO_WINDOW_MS)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A caller is here."""
        # uvloop's transports are not asyncio's by inheritance.
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone."""
        self._transport = None
        self._ticker.speaking.pop(self, None)
        if self in self._ticker.waiting:
            self._ticker.waiting.remove(self)

    def data_received(self, data: bytes) -> None:
        """Frames of the caller."""
        websocket = self._websocket
        websocket.receive_data(data)
        for event in websocket.events_received():
            if isinstance(event, Request):
                websocket.send_response(websocket.accept(event))
            elif isinstance(event, Frame) and event.opcode is Opcode.BINARY:
                self._hear(event.data)
        self._send()
        if websocket.close_expected() and self._transport is not None:
            self._transport.close()

    def write(self, data: bytes) -> None:
        """Send a frame that is serialised already."""
        if self._transport is not None:
            self._transport.write(data)

    def has_window(self) -> bool:
        """Whether Silero has a whole window to hear."""
        return len(self._buffer) >= SILERO_WINDOW_BYTES

    def take_window(self) -> bytes:
        """The next window for Silero."""
        window = bytes(self._buffer[:SILERO_WINDOW_BYTES])
        del self._buffer[:SILERO_WINDOW_BYTES]
        return window

    def _hear(self, sound: bytes | bytearray | memoryview) -> None:
        if self._ticker.silero is None:
            if self.endpointer.step(self._is_speech(bytes(sound))):
                self._ticker.reply(self)
            return
        waited = self.has_window()
        self._buffer += sound
        if not waited and self.has_window():
            self._ticker.waiting.append(self)

    def _send(self) -> None:
        for data in self._websocket.data_to_send():
            if data:
                self.write(data)


async def serve(port: int, vad: str) -> None:
    """Serve on loopback until SIGTERM or SIGINT."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    ticker = Ticker(SileroBatch(silero_model()) if vad == "silero" else None)
    async with asyncio.TaskGroup() as group:
        ticking = group.create_task(ticker.run())
        server = await loop.create_server(lambda: Call(ticker), "127.0.0.1", port, backlog=1024)
        await stopped.wait()
        server.close()
        ticking.cancel()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(description="the bare server of the density bench")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--vad", choices=("webrtc", "silero"), default="webrtc")
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.port, arguments.vad))


if __name__ == "__main__":
    main()
