"""The journal: a store of one file per session, for a single machine without a database.

Each append is one line, a JSON array of its events, so that it is there whole or not at all; a
line that a crash cut short is taken off by the next append. Files are written through to the disk
before an append returns. They hold what people said: the folder is for its owner's eyes only.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.errors import StoreError
from engine.store import StoredEvent, VersionError

__all__ = ["JournalStore"]

_SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")


class JournalStore:
    """Sessions in `folder`, which is made where it is not there.

    Several processes may share it: an append locks its session's file.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def append(self, session: str, expected: int, events: Sequence[StoredEvent]) -> int:
        """See `engine.store.Store`."""
        path = self._path(session)
        work = asyncio.ensure_future(asyncio.to_thread(self._append, path, expected, tuple(events)))
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait({work})  # a thread cannot be stopped; it has happened, or has not
            raise

    async def read(self, session: str) -> list[StoredEvent]:
        """See `engine.store.Store`."""
        return await asyncio.to_thread(self._read, self._path(session))

    async def check(self) -> str | None:
        """What keeps it from being written; None if nothing does."""
        try:
            await asyncio.to_thread(self._make_folder)
        except StoreError as error:
            return str(error)
        return None if os.access(self.folder, os.W_OK) else f"{self.folder} cannot be written"

    def _path(self, session: str) -> Path:
        if not _SESSION.fullmatch(session):
            raise ValueError("a session's id has 1 to 64 letters, digits, - and _")
        return self.folder / f"{session}.jsonl"

    # In a thread

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(_cannot(self.folder, error)) from error

    def _append(self, path: Path, expected: int, events: tuple[StoredEvent, ...]) -> int:
        self._make_folder()
        line = json.dumps([_as_json(event) for event in events], ensure_ascii=False) + "\n"
        try:
            file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                with os.fdopen(os.dup(file), "r+b") as stream:
                    known, whole = _parse(stream.read())
                    if len(known) != expected:
                        raise VersionError(path.stem, expected, len(known))
                    if events:
                        stream.seek(whole)
                        stream.truncate()
                        stream.write(line.encode())
                        stream.flush()
                        os.fsync(file)
            finally:
                os.close(file)
        except OSError as error:
            raise StoreError(_cannot(path, error)) from error
        return expected + len(events)

    def _read(self, path: Path) -> list[StoredEvent]:
        try:
            return _parse(path.read_bytes())[0]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(_cannot(path, error)) from error


def _parse(data: bytes) -> tuple[list[StoredEvent], int]:
    """The events, and the length of the whole lines they are in."""
    whole = data.rfind(b"\n") + 1
    events = [
        StoredEvent(event["name"], event["at"], event["data"])
        for line in data[:whole].splitlines()
        for event in json.loads(line)
    ]
    return events, whole


def _as_json(event: StoredEvent) -> dict[str, Any]:
    return {"name": event.name, "at": event.at, "data": dict(event.data)}


def _cannot(path: Path, error: OSError) -> str:
    return f"{path} cannot be written: {error.strerror}; the log is kept and tried again"
