"""The journal keeps every store's contract, and what it wrote, through a crash."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.store import Store, StoredEvent
from storage.journal import JournalStore
from tests.engine.conformance import store as conformance

EVENTS = [StoredEvent("turn", 1.5, {"heard": "déjà"}), StoredEvent("closed", 2.0)]


@pytest.mark.parametrize("case", conformance.CASES, ids=lambda case: case.__name__)
def test_it_conforms(case: Callable[[Store], Awaitable[None]], tmp_path: Path) -> None:
    async def run() -> None:
        await case(JournalStore(tmp_path))

    asyncio.run(run())


async def _two(folder: Path) -> list[StoredEvent]:
    await JournalStore(folder).append("s", 0, EVENTS)
    return await JournalStore(folder).read("s")


def test_another_process_reads_what_one_wrote(tmp_path: Path) -> None:
    assert asyncio.run(_two(tmp_path / "new" / "folder")) == EVENTS
    assert (tmp_path / "new" / "folder").stat().st_mode & 0o077 == 0
    assert (tmp_path / "new" / "folder" / "s.jsonl").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_an_append_that_a_crash_cut_short_did_not_happen(tmp_path: Path, kept: int) -> None:
    asyncio.run(_two(tmp_path))
    file = tmp_path / "s.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:kept])

    async def go_on() -> list[StoredEvent]:
        store = JournalStore(tmp_path)
        assert await store.read("s") == EVENTS
        assert await store.append("s", 2, EVENTS[:1]) == 3
        return await store.read("s")

    assert asyncio.run(go_on()) == [*EVENTS, EVENTS[0]]


def test_a_folder_that_cannot_be_is_a_store_out_of_reach(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    store = JournalStore(tmp_path / "file")
    with pytest.raises(StoreError, match="cannot be written"):
        asyncio.run(store.append("s", 0, EVENTS))
    assert "cannot be written" in (asyncio.run(store.check()) or "")
    assert asyncio.run(JournalStore(tmp_path / "ok").check()) is None


@pytest.mark.parametrize("session", ["", "../x", "a/b", "x" * 65])
def test_a_session_is_no_path(tmp_path: Path, session: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        asyncio.run(JournalStore(tmp_path).read(session))
