import asyncio
from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.frames import Audio, Delta, Frame
from engine.link import Closed, Link
from tests.virtual import virtual


def sound(number: int) -> Audio:
    return Audio(number.to_bytes(2, "little"), 16000, float(number))


def event(number: int) -> Delta:
    return Delta(str(number))


async def drain(link: Link[Frame]) -> list[Frame]:
    return [await link.get() for _ in range(len(link))]


def test_a_link_that_holds_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Link(0)


@virtual
async def test_sound_and_events_stay_in_order() -> None:
    link: Link[Frame] = Link(4)
    sent: list[Frame] = [sound(1), event(2), sound(3), event(4), event(5), sound(6)]
    assert all(link.offer(frame) for frame in sent)
    assert len(link) == 6
    assert await drain(link) == sent


@virtual
async def test_full_of_sound_the_oldest_sound_gives_way_and_is_counted() -> None:
    link: Link[Frame] = Link(2)
    sent: list[Frame] = [event(0), sound(1), sound(2), event(3), sound(4), sound(5)]
    assert all(link.offer(frame) for frame in sent)
    assert link.dropped == 2
    assert await drain(link) == [event(0), event(3), sound(4), sound(5)]
    assert link.offer(sound(6))
    assert link.dropped == 2, "what was taken out makes room"


@virtual
async def test_full_of_events_an_event_is_refused_and_sound_is_not() -> None:
    link: Link[Frame] = Link(2)
    assert link.offer(event(1))
    assert link.offer(event(2))
    assert not link.offer(event(3))
    assert link.offer(sound(4))
    assert await drain(link) == [event(1), event(2), sound(4)]


@virtual
async def test_put_waits_for_room_and_producers_take_turns() -> None:
    link: Link[Frame] = Link(1)
    assert link.offer(event(0))
    putters = [asyncio.create_task(link.put(event(number))) for number in (1, 2, 3)]
    await asyncio.sleep(1)
    assert not any(putter.done() for putter in putters)
    assert [await link.get() for _ in range(4)] == [event(number) for number in range(4)]
    await asyncio.wait(putters)


@virtual
async def test_taking_sound_makes_no_room_for_events() -> None:
    link: Link[Frame] = Link(1)
    assert link.offer(sound(0))
    assert link.offer(event(1))
    putter = asyncio.create_task(link.put(event(2)))
    await asyncio.sleep(0)
    assert await link.get() == sound(0)
    await asyncio.sleep(0)
    assert not putter.done()
    assert await link.get() == event(1)
    await putter


@virtual
async def test_get_waits() -> None:
    link: Link[Frame] = Link()
    getter = asyncio.create_task(link.get())
    await asyncio.sleep(1)
    assert not getter.done()
    assert link.offer(event(1))
    assert link.offer(event(2)), "the getter was woken already"
    assert await getter == event(1)


@virtual
async def test_a_get_that_times_out_loses_nothing() -> None:
    link: Link[Frame] = Link()
    for number in range(3):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await link.get()
        assert link.offer(event(number))
        assert await link.get() == event(number)


@virtual
async def test_a_get_that_is_cancelled_as_it_is_served_loses_nothing() -> None:
    link: Link[Frame] = Link()
    getter = asyncio.create_task(link.get())
    await asyncio.sleep(0)
    link.offer(event(1))
    getter.cancel()
    await asyncio.wait({getter})
    assert getter.cancelled()
    assert await link.get() == event(1)


@virtual
async def test_a_put_that_is_cancelled_was_not_put() -> None:
    link: Link[Frame] = Link(1)
    link.offer(event(0))
    putter = asyncio.create_task(link.put(event(1)))
    await asyncio.sleep(0)
    putter.cancel()
    await asyncio.wait({putter})
    assert await drain(link) == [event(0)]
    assert link.offer(event(2))


@virtual
async def test_room_given_to_a_put_that_is_cancelled_goes_to_the_next() -> None:
    link: Link[Frame] = Link(1)
    link.offer(event(0))
    first, second = (asyncio.create_task(link.put(event(number))) for number in (1, 2))
    await asyncio.sleep(0)
    await link.get()
    first.cancel()
    await asyncio.wait({first, second})
    assert first.cancelled()
    assert await drain(link) == [event(2)]


@virtual
async def test_room_that_somebody_else_took_is_waited_for_again() -> None:
    link: Link[Frame] = Link(1)
    link.offer(event(0))
    putter = asyncio.create_task(link.put(event(1)))
    await asyncio.sleep(0)
    await link.get()
    assert link.offer(event(2))
    await asyncio.sleep(0)
    assert not putter.done()
    assert await link.get() == event(2)
    await putter
    assert await link.get() == event(1)


@virtual
async def test_a_closed_link_gives_what_it_holds_and_then_ends() -> None:
    link: Link[Frame] = Link(2)
    link.offer(event(1))
    link.offer(sound(2))
    link.close()
    link.close()
    assert link.closed
    assert not link.offer(event(3))
    assert not link.offer(sound(3))
    with pytest.raises(Closed):
        await link.put(event(3))
    assert [frame async for frame in link] == [event(1), sound(2)]
    with pytest.raises(Closed):
        await link.get()


@virtual
async def test_closing_wakes_whoever_waits() -> None:
    empty: Link[Frame] = Link(1)
    getter = asyncio.create_task(empty.get())
    full: Link[Frame] = Link(1)
    full.offer(event(0))
    putters = [asyncio.create_task(full.put(event(number))) for number in (1, 2)]
    await asyncio.sleep(0)
    await full.get()  # one of them has been told of room that it will not find
    empty.close()
    full.close()
    ended = await asyncio.gather(getter, *putters, return_exceptions=True)
    assert [type(error) for error in ended] == [Closed] * 3


@virtual
async def test_closing_a_link_whose_getter_was_served_takes_nothing_away() -> None:
    link: Link[Frame] = Link()
    getter = asyncio.create_task(link.get())
    await asyncio.sleep(0)
    link.offer(event(1))
    link.close()
    assert await getter == event(1)


STEPS = st.lists(
    st.sampled_from(["put", "audio", "get", "step", "cancel put", "cancel get", "offer"]),
    max_size=60,
)


@settings(max_examples=300)
@given(capacity=st.integers(1, 3), steps=STEPS)
@virtual
async def test_whatever_is_cancelled_nothing_is_lost_doubled_or_reordered(
    capacity: int, steps: list[str]
) -> None:
    link: Link[Frame] = Link(capacity)
    putters: deque[tuple[Frame, asyncio.Task[None]]] = deque()
    getters: list[asyncio.Task[Frame]] = []
    offered: list[Frame] = []

    def key(frame: Frame) -> float | str:
        assert isinstance(frame, Audio | Delta)
        return frame.at if isinstance(frame, Audio) else frame.text

    for number, step in enumerate(steps):
        match step:
            case "put" | "audio":
                frame: Frame = event(number) if step == "put" else sound(number)
                offered.append(frame)
                putters.append((frame, asyncio.create_task(link.put(frame))))
            case "offer":
                if link.offer(event(number)):
                    offered.append(event(number))
            case "get" if not getters or getters[-1].done():
                getters.append(asyncio.create_task(link.get()))
            case "cancel put" if putters:
                putters[-1][1].cancel()
            case "cancel get" if getters:
                getters[-1].cancel()
            case _:
                await asyncio.sleep(0)
        assert len(link) <= 2 * capacity
    if getters:
        getters[-1].cancel()
        await asyncio.wait(getters)
    taken = [getter.result() for getter in getters if not getter.cancelled()]
    while len(link) or not all(putter.done() for _, putter in putters):
        if len(link):
            taken.append(await link.get())
        await asyncio.sleep(0)
    not_put = {key(frame) for frame, putter in putters if putter.cancelled()}
    keys = [key(frame) for frame in taken]
    assert len(keys) == len(set(keys)), "doubled"
    assert not set(keys) & not_put, "cancelled, and yet put"
    expected = {key(frame) for frame in offered} - not_put
    lost = expected - set(keys)
    assert all(isinstance(one, float) for one in lost), "an event was lost"
    assert len(lost) == link.dropped
    sounds = [one for one in keys if isinstance(one, float)]
    assert sounds == sorted(sounds), "sound never waits, so it is never overtaken"
