"""The server's end of a simulated WebSocket: what `server.edge.PushWire` is to a media route.

Whole messages, as they are: framing, masking and the handshake are uvicorn's and websockets', and
have their own tests.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from server.edge import HIGH_WATER_BYTES, SEND_BUFFER_BYTES

__all__ = ["SimWire"]

KERNEL_BYTES = 2 * SEND_BUFFER_BYTES
"""Linux doubles what is asked for."""
LOW_WATER_BYTES = HIGH_WATER_BYTES // 4
"""asyncio's own choice (`set_write_buffer_limits`)."""

Carry = Callable[[bytes | str], float]
"""Send a message on its way; when it will be read."""


class SimWire:
    """`carry` takes what is written. `at` schedules an event of the world; `closing` is told when
    the server closes."""

    def __init__(
        self,
        now: Callable[[], float],
        at: Callable[..., None],
        carry: Carry,
        closing: Callable[[int, str], None],
    ) -> None:
        self.blocked = False
        self.held = 0
        self.close_code = 1006
        self.reason = ""
        """Why the server closed, where it did."""
        self.open = True
        self.receiver: Callable[[bytes | str], None] | None = None
        self.farewell: Callable[[int], str | None] = lambda code: None
        self.stalled: Callable[[], None] = lambda: None
        self.disconnected: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.most_waiting_bytes = 0
        self._now = now
        self._at = at
        self._carry = carry
        self._closing = closing
        self._unread: deque[tuple[float, int]] = deque()
        self._bytes = 0

    def attach(
        self,
        receiver: Callable[[bytes | str], None],
        farewell: Callable[[int], str | None],
        stalled: Callable[[], None],
    ) -> None:
        self.receiver, self.farewell, self.stalled = receiver, farewell, stalled

    @property
    def waiting_bytes(self) -> int:
        self._drain(self._now())
        return max(0, self._bytes - KERNEL_BYTES)

    def write(self, message: bytes | str) -> None:
        if not self.open:
            return
        size = len(message)
        read_at = self._carry(message)
        self._unread.append((read_at, size))
        self._bytes += size
        if self._bytes <= KERNEL_BYTES:
            if len(self._unread) > 256:
                self._drain(self._now())
            return
        waiting = self.waiting_bytes
        self.most_waiting_bytes = max(self.most_waiting_bytes, waiting)
        if waiting > HIGH_WATER_BYTES and not self.blocked:
            self.blocked = True
            self._wait()
            self.stalled()

    def _drain(self, now: float) -> None:
        unread = self._unread
        while unread and unread[0][0] <= now:
            self._bytes -= unread.popleft()[1]

    def _wait(self) -> None:
        next_read = self._unread[0][0]
        if next_read != float("inf"):
            self._at(next_read, self._read)

    def _read(self, due: float) -> None:
        self._drain(max(due, self._now()))
        if max(0, self._bytes - KERNEL_BYTES) <= LOW_WATER_BYTES:
            self.blocked = False
        elif self.open:
            self._wait()

    def close(self, code: int, reason: str) -> None:
        if self.open:
            self.open = False
            self.close_code = code
            self.reason = reason
            if not self.blocked:  # else it is cut off
                self._closing(code, reason)
            self._disconnect()

    def lost(self, code: int) -> None:
        """The far end closed, or is gone."""
        if self.open:
            self.open = False
            self.close_code = code
            self._disconnect()

    def _disconnect(self) -> None:
        if not self.disconnected.done():
            self.disconnected.set_result(None)

    async def receive(self) -> dict[str, Any]:
        """ASGI's, after the connection was accepted."""
        await asyncio.wait({self.disconnected})
        return {"type": "websocket.disconnect", "code": self.close_code}
