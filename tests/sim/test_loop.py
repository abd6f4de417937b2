"""The world beside the loop. The loop's own clock is tested in tests/test_virtual.py."""

from __future__ import annotations

import asyncio

import pytest

from server.sim.loop import START_S, Leftover, VirtualLoop, World, run
from tests.virtual import virtual


def _world() -> tuple[VirtualLoop, World]:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop, loop.world


@virtual
async def test_the_world_goes_on_while_the_loop_waits() -> None:
    loop, world = _world()
    happened: list[tuple[str, float, float]] = []

    def event(due: float, name: str) -> None:
        happened.append((name, due - START_S, loop.time() - START_S))

    world.at(START_S + 2, event, "b")
    world.at(START_S + 1, event, "a")
    world.at(START_S + 2, event, "c")
    await asyncio.sleep(1.5)
    assert happened == [("a", 1, 1)]
    await asyncio.sleep(1.5)
    assert happened[1:] == [("b", 2, 2), ("c", 2, 2)]
    assert loop.time() == START_S + 3


@virtual
async def test_what_the_world_does_wakes_the_loop_at_once() -> None:
    loop, world = _world()
    arrived = asyncio.Event()
    world.at(START_S + 1, lambda due: arrived.set())
    world.at(START_S + 1, lambda due: None)
    async with asyncio.timeout(60):
        await arrived.wait()
    assert loop.time() == START_S + 1


@virtual
async def test_a_timer_that_the_world_sets_is_kept() -> None:
    loop, world = _world()
    fired: list[float] = []
    world.at(START_S + 1, lambda due: loop.call_later(0.5, lambda: fired.append(loop.time())))
    await asyncio.sleep(10)
    assert fired == [START_S + 1.5]
    assert loop.timers() == []


@virtual
async def test_a_loop_that_stalls_is_late_and_the_world_is_not() -> None:
    loop, world = _world()
    seen: list[tuple[float, float]] = []
    world.at(START_S + 1, lambda due: loop.stall(0.5))
    for tenths in (11, 12, 17):
        world.at(START_S + tenths / 10, lambda due: seen.append((due, loop.time())))
    await asyncio.sleep(1.2)
    assert loop.time() == pytest.approx(START_S + 1.5)
    await asyncio.sleep(1)
    assert [due for due, _ in seen] == pytest.approx([START_S + s for s in (1.1, 1.2, 1.7)])
    assert [at for _, at in seen] == pytest.approx([START_S + s for s in (1.5, 1.5, 1.7)])


def test_what_is_left_of_the_world_does_not_happen() -> None:
    async def main() -> None:
        _, world = _world()
        world.at(START_S + 5, lambda due: pytest.fail("it is over"))
        assert world.next_due() == START_S + 5

    run(main())


def test_a_task_that_is_left_is_named() -> None:
    async def main() -> None:
        _world()[1].at(START_S, lambda due: None)
        task = asyncio.create_task(asyncio.sleep(9), name="the one that stays")
        await asyncio.sleep(0)
        assert not task.done()
        globals()["_kept"] = task

    with pytest.raises(Leftover, match="the one that stays"):
        run(main())
    del globals()["_kept"]
