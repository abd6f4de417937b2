"""A UDP socket that says when each datagram came, by the kernel's clock where it has one."""

from __future__ import annotations

import asyncio
import socket
import struct
import time
from collections.abc import Callable

__all__ = ["Address", "Udp"]

Address = tuple[str, int]

SO_TIMESTAMPNS = 35
"""socket(7), Linux; Python has no name for it. A struct timespec comes with each datagram."""
TIMESPEC = struct.Struct("qq")
MOST_BYTES = 65536
AT_ONCE = 64
"""Datagrams that are read before others have their turn."""
BUFFER_BYTES = 1 << 20


class Udp:
    """Bound to `host` and `port` (0: any). `received(data, from, at)` has monotonic seconds: a
    process that is late to read does not make the datagram late."""

    def __init__(
        self, host: str, port: int, received: Callable[[bytes, Address, float], None]
    ) -> None:
        self._received = received
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            try:
                self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            except OSError:  # not Linux: the time of reading
                pass
            self._socket.setblocking(False)
            self._socket.bind((host, port))
        except BaseException:
            self._socket.close()
            raise
        self.address: Address = self._socket.getsockname()[:2]
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket.fileno(), self._read)

    def send(self, data: bytes, to: Address) -> None:
        """Send a datagram; what the kernel does not take is lost, as on any network."""
        try:
            self._socket.sendto(data, to)
        except (BlockingIOError, ConnectionRefusedError):
            pass

    def close(self) -> None:
        """Safe to call again."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _read(self) -> None:
        for _ in range(AT_ONCE):
            if self._socket.fileno() < 0:
                return  # closed by what it received
            try:
                data, told, _, sender = self._socket.recvmsg(MOST_BYTES, 64)
            except (BlockingIOError, ConnectionRefusedError):
                return
            now = time.monotonic()
            for level, kind, stamp in told:
                if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS):
                    seconds, nanoseconds = TIMESPEC.unpack(stamp)
                    now -= max(0.0, time.time() - seconds - nanoseconds * 1e-9)
            self._received(data, sender, now)
