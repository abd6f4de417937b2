import asyncio
from collections.abc import Sequence

import pytest

from engine.clock import LoopClock
from engine.errors import StoreError
from engine.log import ANSWER_S, RETRY_S, SessionLog
from engine.store import MemoryStore, StoredEvent, VersionError
from tests.fakes import FlakyStore
from tests.virtual import START_S, virtual


class Watched:
    """A log and what became of it."""

    def __init__(self, store: MemoryStore) -> None:
        self.broken = 0
        self.store = store
        self.log = SessionLog("s1", store, LoopClock(), self._broke)

    def _broke(self) -> None:
        self.broken += 1

    async def names(self) -> list[str]:
        return [event.name for event in await self.store.read("s1")]


@virtual
async def test_what_is_recorded_is_appended_in_order_with_its_time() -> None:
    watched = Watched(MemoryStore())
    watched.log.record("a", {"n": 1})
    watched.log.record("b", {})
    await asyncio.sleep(1)
    watched.log.record("c", {})
    await watched.log.close(1.0)
    assert await watched.store.read("s1") == [
        StoredEvent("a", START_S, {"n": 1}),
        StoredEvent("b", START_S, {}),
        StoredEvent("c", START_S + 1, {}),
    ]


@virtual
async def test_a_log_that_nothing_was_written_to_closes() -> None:
    await Watched(MemoryStore()).log.close(1.0)


@virtual
async def test_what_is_recorded_while_the_store_writes_is_written_next() -> None:
    class Slow(MemoryStore):
        async def append(self, session: str, expected: int, events: Sequence[StoredEvent]) -> int:
            await asyncio.sleep(1)
            return await super().append(session, expected, events)

    watched = Watched(Slow())
    watched.log.record("a", {})
    await asyncio.sleep(0.5)
    watched.log.record("b", {})
    await watched.log.close(10.0)
    assert await watched.names() == ["a", "b"]
    assert asyncio.get_running_loop().time() == START_S + 2


@virtual
async def test_a_store_out_of_reach_is_asked_until_it_answers() -> None:
    watched = Watched(FlakyStore(failures=100))
    watched.log.record("a", {})
    await asyncio.sleep(50 * RETRY_S)
    watched.log.record("b", {})
    await watched.log.close(51 * RETRY_S)
    assert await watched.names() == ["a", "b"]
    assert watched.broken == 0


@virtual
async def test_an_append_whose_answer_was_lost_is_not_repeated() -> None:
    watched = Watched(FlakyStore(lost_answers=1))
    watched.log.record("a", {})
    watched.log.record("b", {})
    await asyncio.sleep(0.5)
    watched.log.record("c", {})
    await watched.log.close(5.0)
    assert await watched.names() == ["a", "b", "c"]
    assert watched.broken == 0


@pytest.mark.parametrize("failures", [0, 1])
@virtual
async def test_a_log_that_somebody_else_writes_to_is_given_up(failures: int) -> None:
    watched = Watched(FlakyStore(failures=failures))
    await MemoryStore.append(watched.store, "s1", 0, [StoredEvent("x", 0.0)] * 2)
    watched.log.record("a", {})
    await asyncio.sleep(failures * RETRY_S + 0.1)
    assert watched.broken == 1
    watched.log.record("b", {})
    with pytest.raises(VersionError):
        await watched.log.close(5.0)
    assert await watched.names() == ["x", "x"]
    assert watched.broken == 1


@virtual
async def test_a_fault_of_the_store_is_raised_as_it_is() -> None:
    class Faulty(MemoryStore):
        async def append(self, session: str, expected: int, events: Sequence[StoredEvent]) -> int:
            raise LookupError("a fault")

    watched = Watched(Faulty())
    watched.log.record("a", {})
    await asyncio.sleep(0.1)
    assert watched.broken == 1
    with pytest.raises(LookupError):
        await watched.log.close(5.0)


@virtual
async def test_a_store_that_does_not_answer_is_asked_again() -> None:
    class Deaf(MemoryStore):
        """Its first append is done, and hangs."""

        calls = 0

        async def append(self, session: str, expected: int, events: Sequence[StoredEvent]) -> int:
            self.calls += 1
            version = await super().append(session, expected, events)
            if self.calls == 1:
                await asyncio.sleep(3600)
            return version

    store = Deaf()
    watched = Watched(store)
    watched.log.record("a", {})
    await watched.log.close(30.0)
    assert asyncio.get_running_loop().time() == START_S + ANSWER_S + RETRY_S
    assert [event.name for event in await store.read("s1")] == ["a"]
    assert watched.broken == 0


@virtual
async def test_patience_ends_and_says_how_much_is_lost() -> None:
    watched = Watched(FlakyStore(failures=float("inf")))
    watched.log.record("a", {})
    watched.log.record("b", {})
    with pytest.raises(StoreError, match=r"2 events of session s1 are not stored.* 3 s"):
        await watched.log.close(3.0)
    assert asyncio.get_running_loop().time() == START_S + 3
    assert watched.broken == 0, "closing it is no fault of the store's"


@virtual
async def test_cancelling_a_close_ends_the_writing() -> None:
    watched = Watched(FlakyStore(failures=float("inf")))
    watched.log.record("a", {})
    closing = asyncio.create_task(watched.log.close(30.0))
    await asyncio.sleep(1)
    closing.cancel()
    await asyncio.wait({closing})
    assert closing.cancelled()
