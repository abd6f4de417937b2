import dataclasses
from collections.abc import Awaitable, Callable

import pytest

from engine.store import MemoryStore, Store, StoredEvent, VersionError
from tests.engine.conformance import store as conformance
from tests.fakes import FlakyStore
from tests.virtual import virtual


@pytest.mark.parametrize("make", [MemoryStore, FlakyStore])
@pytest.mark.parametrize("case", conformance.CASES, ids=lambda case: case.__name__)
@virtual
async def test_a_store_in_memory_conforms(
    make: Callable[[], Store], case: Callable[[Store], Awaitable[None]]
) -> None:
    await case(make())


@virtual
async def test_what_was_forgotten_is_unknown() -> None:
    store = MemoryStore()
    await store.append("s1", 0, [StoredEvent("session.started", 1.0)])
    store.forget("s1")
    store.forget("never known")
    assert await store.read("s1") == []
    assert await store.append("s1", 0, [StoredEvent("session.started", 2.0)]) == 1


def test_a_conflict_says_what_to_do() -> None:
    error = VersionError("s1", 3, 5)
    assert str(error) == "session s1 is at version 5, not 3; read it again and retry"
    assert error.code == "store.version"


def test_an_event_is_frozen() -> None:
    event = StoredEvent("turn", 1.0)
    assert event.data == {}
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.name = "other"  # type: ignore[misc]
