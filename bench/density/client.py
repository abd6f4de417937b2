"""N callers in one process: every 20 ms each sends a frame, and hears what comes back.

Callers are spread over the cycle and over the 20 ms between frames, so that the server meets
them as it would meet strangers. They are open-loop: the next sentence begins when the cycle
says so, whether or not the reply has come, so a slow server cannot slow its load.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from typing import TYPE_CHECKING, cast

from bench.density.playout import Playout
from bench.density.script import CYCLE_FRAMES, FRAME_MS, Script
from bench.density.turns import BYTES_PER_MS, Replies, Reply
from bench.density.wire import (
    BINARY,
    CLOSE,
    PING,
    PONG,
    TEXT,
    FrameReader,
    WireError,
    handshake_status,
    masked_frame,
    upgrade_request,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CYCLE_S", "Caller", "Load"]

CYCLE_S = CYCLE_FRAMES * FRAME_MS / 1000.0
#: Callers that share a slot send in one go; 2 ms bounds what that adds to their lateness.
SLOT_MS = 2
SLOTS = FRAME_MS // SLOT_MS


class Caller(asyncio.Protocol):
    """One call: sends its cycle, attributes what it receives to its turns."""

    __slots__ = (
        "_frame",
        "_head",
        "_load",
        "_playout",
        "_reader",
        "_reply",
        "_transport",
        "end",
        "lead_ms",
        "opened",
    )

    def __init__(self, load: Load) -> None:
        self._load = load
        self._frame = 0
        self._head = b""
        self._reader = FrameReader()
        self._reply: Reply | None = None
        self._playout = Playout() if load.features else None
        self._transport: asyncio.Transport | None = None
        self.opened = False
        self.end: str | None = None
        """Why the call ended before we ended it."""
        self.lead_ms = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        # uvloop's transports are not asyncio's by inheritance.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._load.request)

    def connection_lost(self, exc: Exception | None) -> None:
        """The call is over, on whichever side."""
        self._transport = None
        if self.end is None:
            self.end = "connection lost" if exc is None else f"connection lost: {exc}"

    def data_received(self, data: bytes) -> None:
        """Sound, control messages, or the end of the handshake."""
        now_s = self._load.clock()
        if not self.opened:
            self._head += data
            head, separator, data = self._head.partition(b"\r\n\r\n")
            if not separator:
                return
            try:
                status = handshake_status(head)
            except WireError as error:
                self._fail(str(error))
                return
            if status != 101:
                self._fail(f"refused with {status}")
                return
            self._head = b""
            self.opened = True
        try:
            for opcode, payload in self._reader.feed(data):
                if opcode == BINARY:
                    self._sound(now_s, len(payload))
                elif opcode == TEXT:
                    self._control(now_s, payload)
                elif opcode == PING:
                    self._write(masked_frame(PONG, payload))
                elif opcode == CLOSE:
                    self._fail(f"closed with {int.from_bytes(payload[:2], 'big')}")
        except WireError as error:
            self._fail(str(error))

    def tick(self) -> None:
        """Send the next 20 ms; turns begin and end where the script says so."""
        transport = self._transport
        if transport is None or not self.opened:
            return
        load = self._load
        frame = self._frame
        transport.write(load.wire_frames[frame])
        if frame == load.script.speech_end_frame:
            self._reply = Reply(load.clock(), counted=load.counts())
        elif frame == load.script.speech_start_frame:
            self.close_turn()
        self._frame = (frame + 1) % CYCLE_FRAMES
        if self._playout is not None:
            for name in self._playout.reached(load.clock()):
                self._send({"type": "mark", "name": name})

    def close_turn(self) -> None:
        """The turn is over: what has not come by now is missing."""
        if self._reply is not None:
            self._load.replies.close(self._reply)
            self._reply = None

    def hang_up(self) -> None:
        """End the call from our side."""
        if self.end is None:
            self.end = "hung up"
        if self._transport is not None:
            if self.opened:
                self._write(masked_frame(CLOSE, (1000).to_bytes(2, "big")))
            self._transport.close()

    def _sound(self, now_s: float, size_bytes: int) -> None:
        if self._reply is None:
            self._load.stray_ms += size_bytes / BYTES_PER_MS
        else:
            self._load.replies.sound(self._reply, now_s, size_bytes, self.lead_ms)
        if self._playout is not None:
            self._playout.sound(now_s, size_bytes)

    def _control(self, now_s: float, payload: bytes) -> None:
        """The messages of docs/protocols/media.md that a caller has to act on."""
        message = json.loads(payload)
        playout = self._playout
        match message.get("type"):
            case "start":
                self.lead_ms = float(message.get("lead_ms", 0.0))
            case "error":
                self._load.errors[str(message.get("code"))] += 1
            case "hangup":
                self._fail(f"hung up: {message.get('reason')}")
            case "reply" if playout is not None:
                playout.turn()
            case "mark" if playout is not None:
                playout.mark(now_s, str(message["name"]))
            case "pause" if playout is not None:
                self._played(message, playout.pause(now_s))
            case "resume" if playout is not None:
                playout.resume(now_s)
            case "clear" if playout is not None:
                self._played(message, playout.clear(now_s))
            case _:
                pass

    def _played(self, message: dict[str, object], played_ms: float) -> None:
        self._send({"type": "played", "turn": message.get("turn"), "ms": round(played_ms)})

    def _send(self, message: dict[str, object]) -> None:
        self._write(masked_frame(TEXT, json.dumps(message, separators=(",", ":")).encode()))

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _fail(self, why: str) -> None:
        if self.end is None:
            self.end = why
        if self._transport is not None:
            self._transport.close()


class Load:
    """The callers of one row, their common clock, and what they heard."""

    def __init__(
        self,
        script: Script,
        *,
        host: str,
        port: int,
        target: str,
        calls: int,
        features: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.script = script
        self.clock = clock
        self.features = features
        self.request = upgrade_request(f"{host}:{port}", target)
        self.wire_frames = [masked_frame(BINARY, frame) for frame in script.frames]
        self.replies = Replies()
        self.send_lateness_ms: list[float] = []
        self.stray_ms = 0.0
        """Sound that came while the caller spoke."""
        self.errors: Counter[str] = Counter()
        self.lost: Counter[str] = Counter()
        """Calls that did not last until ``close``, by reason."""
        self._address = (host, port)
        self._callers = [Caller(self) for _ in range(calls)]
        self._slots: list[list[Caller]] = [[] for _ in range(SLOTS)]
        self._window = (float("inf"), float("inf"))
        self._next_s = 0.0
        self._slot = 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def lead_ms(self) -> float:
        """The lead that the server announced, 0 if it announced none."""
        return max((caller.lead_ms for caller in self._callers), default=0.0)

    def counts(self) -> bool:
        """Whether a turn whose speech ends with this slot is measured.

        Judged by when the slot was due: then every caller has one turn in a window of one cycle,
        however late it is served.
        """
        return self._window[0] <= self._next_s < self._window[1]

    def open_window(self, length_s: float) -> None:
        """Measure the turns whose speech ends within ``length_s`` from now."""
        # Half a slot off the grid of slots, so that no turn lies on the edge.
        start_s = self._next_s + SLOT_MS / 2000.0
        self._window = (start_s, start_s + length_s)
        self.send_lateness_ms.clear()
        self.stray_ms = 0.0

    async def ramp(self) -> None:
        """Connect the callers, spread evenly over one cycle. On cancellation: ``close``."""
        loop = asyncio.get_running_loop()
        start_s = self._next_s = self.clock()
        self._tick()
        connecting: set[asyncio.Task[object]] = set()
        for index, caller in enumerate(self._callers):
            offset_s = index * CYCLE_S / len(self._callers)
            await asyncio.sleep(max(0.0, start_s + offset_s - self.clock()))
            self._slots[int(offset_s * 1000 / SLOT_MS) % SLOTS].append(caller)
            connecting.add(asyncio.create_task(self._connect(loop, caller)))
        await asyncio.wait(connecting)

    async def _connect(self, loop: asyncio.AbstractEventLoop, caller: Caller) -> None:
        try:
            await loop.create_connection(lambda: caller, *self._address)
        except OSError as error:
            caller.end = f"not connected: {error.strerror or error}"

    def close(self) -> None:
        """Count the turns that are open, hang up every call, stop the clock."""
        if self._timer is not None:
            self._timer.cancel()
        for caller in self._callers:
            if caller.end is not None or not caller.opened:
                self.lost[caller.end or "not connected"] += 1
            caller.close_turn()
            caller.hang_up()

    def _tick(self) -> None:
        """Serve every slot that is due; how late it was served is our own lateness."""
        while self._next_s <= self.clock():
            callers = self._slots[self._slot]
            if callers:
                for caller in callers:
                    caller.tick()
                self.send_lateness_ms.append((self.clock() - self._next_s) * 1000.0)
            self._slot = (self._slot + 1) % SLOTS
            self._next_s += SLOT_MS / 1000.0
        # Timers of libuv count in ms; less than 1 would come round at once.
        delay_s = max(0.001, self._next_s - self.clock())
        self._timer = asyncio.get_running_loop().call_later(delay_s, self._tick)
