"""The store: a session's log of events, appended with an expected version.

The log is the transcript, the call record, the audit trail and the source of every figure.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.errors import PalabreError

__all__ = ["MemoryStore", "Store", "StoredEvent", "VersionError"]


class VersionError(PalabreError):
    """Somebody else appended first: the log is at version `actual`, not `expected`."""

    code = "store.version"

    def __init__(self, session: str, expected: int, actual: int) -> None:
        super().__init__(
            f"session {session} is at version {actual}, not {expected}; read it again and retry"
        )
        self.expected = expected
        self.actual = actual


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """Something that happened; `at` is seconds since 1970 in UTC, `data` JSON values."""

    name: str
    at: float
    data: Mapping[str, Any] = field(default_factory=dict)


class Store(Protocol):
    """Where logs are kept."""

    async def append(self, session: str, expected: int, events: Sequence[StoredEvent]) -> int:
        """Append all of `events` or none; the new version is returned (the number of events).

        Raises VersionError if the log is not at version `expected`, and StoreError if it cannot be
        reached now. Cancelling leaves it either
        appended or not.
        """
        ...

    async def read(self, session: str) -> list[StoredEvent]:
        """All events of a session, oldest first; empty for one that is not known."""
        ...


class MemoryStore:
    """Keeps logs for as long as the process lives: the store of tests and of a first try."""

    def __init__(self) -> None:
        self._logs: defaultdict[str, list[StoredEvent]] = defaultdict(list)

    async def append(self, session: str, expected: int, events: Sequence[StoredEvent]) -> int:
        log = self._logs[session]
        if len(log) != expected:
            raise VersionError(session, expected, len(log))
        log.extend(events)
        return len(log)

    async def read(self, session: str) -> list[StoredEvent]:
        return list(self._logs.get(session, ()))

    def forget(self, session: str) -> None:
        """Drop a session's log: nothing here outlives its use."""
        self._logs.pop(session, None)
