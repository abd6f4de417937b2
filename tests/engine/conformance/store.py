"""What every `Store` does. Each case takes a store that holds nothing of the session it uses."""

from __future__ import annotations

import asyncio

import pytest

from engine.store import Store, StoredEvent, VersionError

FIRST = StoredEvent("session.started", 1_700_000_000.5)
SECOND = StoredEvent("turn", 1_700_000_001.25, {"said": "Ça va ?", "spans": {"speech": 12.5}})
THIRD = StoredEvent("session.closed", 1_700_000_002.0, {"reason": None, "list": [1, True, "«"]})


async def a_session_that_is_not_known_has_no_events(store: Store) -> None:
    assert await store.read("unknown") == []
    assert await store.read("unknown") == []


async def what_is_appended_is_read_in_order(store: Store) -> None:
    assert await store.append("order", 0, [FIRST, SECOND]) == 2
    assert await store.append("order", 2, [THIRD]) == 3
    assert await store.read("order") == [FIRST, SECOND, THIRD]


async def appending_nothing_changes_nothing(store: Store) -> None:
    assert await store.append("nothing", 0, []) == 0
    assert await store.append("nothing", 0, [FIRST]) == 1
    assert await store.append("nothing", 1, []) == 1
    assert await store.read("nothing") == [FIRST]


async def an_append_at_another_version_is_refused_whole(store: Store) -> None:
    await store.append("version", 0, [FIRST, SECOND])
    for expected in (0, 1, 3):
        with pytest.raises(VersionError, match="read it again") as caught:
            await store.append("version", expected, [THIRD, THIRD])
        assert (caught.value.expected, caught.value.actual) == (expected, 2)
    assert await store.read("version") == [FIRST, SECOND]


async def sessions_do_not_mix(store: Store) -> None:
    await store.append("one", 0, [FIRST])
    await store.append("two", 0, [SECOND])
    assert await store.read("one") == [FIRST]
    assert await store.read("two") == [SECOND]


async def of_two_who_append_at_once_one_wins(store: Store) -> None:
    async def append(event: StoredEvent) -> bool:
        try:
            await store.append("race", 0, [event])
        except VersionError:
            return False
        return True

    won = await asyncio.gather(*(append(event) for event in (FIRST, SECOND, THIRD)))
    assert sorted(won) == [False, False, True]
    assert len(await store.read("race")) == 1


async def what_was_read_is_the_readers(store: Store) -> None:
    await store.append("copy", 0, [FIRST])
    (await store.read("copy")).clear()
    assert await store.read("copy") == [FIRST]


async def cancelled_an_append_happened_or_did_not(store: Store) -> None:
    appending = asyncio.create_task(store.append("cancelled", 0, [FIRST, SECOND]))
    await asyncio.sleep(0)
    appending.cancel()
    await asyncio.wait({appending})
    events = await store.read("cancelled")
    assert events in ([], [FIRST, SECOND])
    assert await store.append("cancelled", len(events), [THIRD]) == len(events) + 1


CASES = [
    a_session_that_is_not_known_has_no_events,
    what_is_appended_is_read_in_order,
    appending_nothing_changes_nothing,
    an_append_at_another_version_is_refused_whole,
    sessions_do_not_mix,
    of_two_who_append_at_once_one_wins,
    what_was_read_is_the_readers,
    cancelled_an_append_happened_or_did_not,
]
