"""The client's side of a WebSocket (RFC 6455), made for a load generator.

A caller's cycle is masked once and sent as it stands, so that sending costs one write. What
arrives is read without copying where a chunk holds whole frames.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BINARY",
    "CLOSE",
    "PING",
    "PONG",
    "TEXT",
    "FrameReader",
    "WireError",
    "handshake_status",
    "masked_frame",
    "upgrade_request",
]

# RFC 6455 section 11.8
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class WireError(Exception):
    """The server sent what a server may not send."""


def masked_frame(opcode: int, payload: bytes, key: bytes | None = None) -> bytes:
    """One unfragmented frame of a client; ``key`` is 4 random bytes unless given."""
    key = os.urandom(4) if key is None else key
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    elif length < 1 << 16:
        head = bytes((0x80 | opcode, 0x80 | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0x80 | 127)) + length.to_bytes(8, "big")
    stream = key * (length // 4 + 1)
    mask = int.from_bytes(stream[:length], "big")
    masked = (int.from_bytes(payload, "big") ^ mask).to_bytes(length, "big")
    return head + key + masked


def upgrade_request(host: str, target: str) -> bytes:
    """The opening handshake, without extensions: sound does not deflate."""
    return (
        f"GET {target} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: cGFsYWJyZSBkZW5zaXR5IQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def handshake_status(head: bytes) -> int:
    """The status code of a response's head."""
    version, _, rest = head.partition(b" ")
    if not version.startswith(b"HTTP/") or not rest[:3].isdigit():
        raise WireError("the server's answer to the handshake is not HTTP")
    return int(rest[:3])


class FrameReader:
    """Bytes in, (opcode, payload) out; fragmented messages come as their frames."""

    __slots__ = ("_rest",)

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Take ``data`` and yield every frame that is complete; exhaust it before the next."""
        if self._rest:
            data = self._rest + data
        at, size = 0, len(data)
        while size - at >= 2:
            length = data[at + 1]
            start = at + 2
            if length == 126:
                start = at + 4
                length = int.from_bytes(data[at + 2 : start], "big")
            elif length == 127:
                start = at + 10
                length = int.from_bytes(data[at + 2 : start], "big")
            elif length > 127:
                raise WireError("the server masked a frame")
            if start + length > size:
                break
            yield data[at] & 0x0F, data[start : start + length]
            at = start + length
        self._rest = data[at:]
