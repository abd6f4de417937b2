from __future__ import annotations

import asyncio

import pytest

from pipelines.pipecat import host as module
from pipelines.pipecat.kept import Kept
from tests.pipelines.pipecat.hosted import Seen, complain, eventually, hang, text

pytestmark = pytest.mark.asyncio


async def test_one_that_cannot_be_interrupted_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SETTLE_S", 0.05)
    seen = Seen(InterruptionFrame=hang)
    async with Kept(seen.host) as kept:
        with pytest.raises(KeyError):
            async with kept.turn():
                raise KeyError
        async with kept.turn() as host:
            assert host is seen.hosts[1]


async def test_a_kept_one_connects_before_it_is_needed_and_is_reused() -> None:
    seen = Seen()
    async with Kept(seen.host) as kept:
        await eventually(lambda: seen.frames == ["StartFrame"])
        async with kept.turn() as first:
            pass
        async with kept.turn() as second:
            pass
        assert first is second
    assert len(seen.hosts) == 1


async def test_one_that_failed_is_replaced_at_once() -> None:
    seen = Seen(TextFrame=complain("gone"))
    async with Kept(seen.host) as kept:
        async with kept.turn() as host:
            await host.send(text())
            await eventually(lambda: host.failure is not None)
        await eventually(lambda: seen.frames.count("StartFrame") == 2)
        async with kept.turn() as host:
            assert host is seen.hosts[1]


async def test_a_call_may_end_while_it_connects() -> None:
    async with Kept(Seen(setup=hang).host):
        await asyncio.sleep(0)


async def test_without_a_call_around_it_a_turn_connects_and_disconnects() -> None:
    seen = Seen()
    kept = Kept(seen.host)
    for _ in range(2):
        async with kept.turn():
            pass
    assert len(seen.hosts) == 2
