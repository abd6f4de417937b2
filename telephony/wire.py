"""An open WebSocket as channels see it, and when a peer that does not read it is given up."""

from __future__ import annotations

from typing import Protocol

__all__ = ["MOST_WAITING_BYTES", "UNREAD_S", "Unread", "Wire"]

UNREAD_S = 5.0
"""How long a peer may leave its socket unread: ten times what a phone call bears."""

MOST_WAITING_BYTES = 1024 * 1024
"""What may wait for a peer that does not read, before its time is up: control messages are not
dropped, and one that makes many of them must not cost its neighbours their memory."""


class Wire(Protocol):
    """An open WebSocket. Writing never waits; `blocked` is true while the peer does not read."""

    blocked: bool

    @property
    def waiting_bytes(self) -> int: ...

    def write(self, message: bytes | str) -> None: ...

    def close(self, code: int, reason: str) -> None: ...


class Unread:
    """How long the peer of `wire` has not read."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._since: float | None = None

    def too_long(self, now: float) -> bool:
        """Asked while the peer does not read, and once after."""
        if not self._wire.blocked:
            self._since = None
            return False
        if self._since is None:
            self._since = now
        waited_s = now - self._since
        return waited_s > UNREAD_S or self._wire.waiting_bytes > MOST_WAITING_BYTES
