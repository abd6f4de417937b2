import asyncio
from collections.abc import AsyncIterator, Callable, Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import SpeechError
from engine.frames import Audio, Delta, Frame
from engine.link import Closed, Link
from engine.pipeline import Pipeline
from engine.stage import Outlet, Stage
from tests.virtual import virtual


class Letter:
    """A transform that adds its letter, twice if it is asked to."""

    def __init__(self, letter: str, times: int = 1) -> None:
        self.letter = letter
        self.times = times

    def feed(self, frame: Frame) -> Iterable[Frame]:
        if not isinstance(frame, Delta):
            return (frame,)
        return (Delta(frame.text + self.letter),) * self.times


class Slow:
    """A service that takes `seconds` for each frame, and counts the tasks that run it."""

    def __init__(self, seconds: float = 0.0, letter: str = "-") -> None:
        self.seconds = seconds
        self.letter = letter
        self.tasks: set[object] = set()
        self.ended = ""

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        self.tasks.add(asyncio.current_task())
        try:
            async for frame in inbox:
                await asyncio.sleep(self.seconds)
                for out in Letter(self.letter).feed(frame):
                    await outbox.put(out)
            await outbox.put(Delta(f"end{self.letter}"))
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise
        self.ended = "returned"


class Fail(Slow):
    def __init__(self, error: Exception, after_s: float = 0.0) -> None:
        super().__init__()
        self.error = error
        self.after_s = after_s

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        await asyncio.sleep(self.after_s)
        raise self.error


class TakeOne(Slow):
    """Returns after its first frame."""

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        await outbox.put(await inbox.get())


def sound(number: int) -> Audio:
    return Audio(number.to_bytes(2, "little"), 16000, float(number))


def texts(frames: Iterable[Frame]) -> list[str]:
    return [frame.text for frame in frames if isinstance(frame, Delta)]


class Source:
    """An endless source of frames that knows whether it was closed."""

    def __init__(self) -> None:
        self.made = 0
        self.closed = False

    async def frames(self) -> AsyncIterator[Frame]:
        try:
            while True:
                self.made += 1
                yield Delta(str(self.made))
        finally:
            self.closed = True


def test_without_services_it_is_a_direct_call() -> None:
    out: list[Frame] = []
    pipeline = Pipeline([Letter("a", 2), Letter("b")], out.append)
    assert pipeline.feed(Delta(""))
    assert texts(out) == ["ab", "ab"]
    pipeline.close()
    assert pipeline.dropped == 0


@virtual
async def test_without_services_a_source_runs_through() -> None:
    out: list[Frame] = []
    pipeline = Pipeline([Letter("a")], out.append)

    async def source() -> AsyncIterator[Frame]:
        yield Delta("1")
        yield Delta("2")

    await pipeline.run(source())
    await pipeline.put(Delta("3"))
    assert texts(out) == ["1a", "2a", "3a"]


def test_what_is_no_stage_is_refused() -> None:
    stage: Stage = object()  # type: ignore[assignment]
    with pytest.raises(TypeError, match="neither feed nor run"):
        Pipeline([stage], lambda frame: None)


@virtual
async def test_transforms_around_services_in_order_and_closing_drains() -> None:
    out: list[Frame] = []
    services = [Slow(0.1, "1"), Slow(0.3, "2")]
    pipeline = Pipeline(
        [Letter("a"), services[0], Letter("b"), Letter("c"), services[1], Letter("d")], out.append
    )
    for text in "xyz":
        assert pipeline.feed(Delta(text))
    pipeline.close()
    assert not pipeline.feed(Delta("late"))
    with pytest.raises(Closed):
        await pipeline.put(Delta("late"))
    await pipeline.run()
    assert texts(out) == ["xa1bc2d", "ya1bc2d", "za1bc2d", "end1bc2d", "end2d"]
    assert [service.ended for service in services] == ["returned"] * 2


@virtual
async def test_exactly_one_task_a_service() -> None:
    services = [Slow(), Slow(), Slow()]
    pipeline = Pipeline([Letter("a"), *services, Letter("b")], lambda frame: None)
    before = len(asyncio.all_tasks())
    running = asyncio.create_task(pipeline.run())
    await asyncio.sleep(1)
    assert len(asyncio.all_tasks()) == before + 1 + len(services)
    assert [len(service.tasks) for service in services] == [1, 1, 1]
    pipeline.close()
    await running


@virtual
async def test_a_slow_service_slows_its_source_down() -> None:
    source = Source()
    pipeline = Pipeline([Slow(), Slow(1.0)], lambda frame: None, capacity=2)
    running = asyncio.create_task(pipeline.run(source.frames()))
    await asyncio.sleep(10.5)
    # Ten are through; one is worked on, two lie in each link, one is held by each that waits.
    assert source.made == 10 + 1 + 2 + 1 + 2 + 1
    running.cancel()
    await asyncio.wait({running})
    assert running.cancelled()
    assert source.closed


@virtual
async def test_sound_that_a_slow_service_does_not_take_is_dropped_and_counted() -> None:
    out: list[Frame] = []
    pipeline = Pipeline([Slow(1.0)], out.append, capacity=4)
    for number in range(10):
        assert pipeline.feed(sound(number))
    assert pipeline.dropped == 6
    pipeline.close()
    await pipeline.run()
    assert out[:-1] == [sound(number) for number in range(6, 10)]


@virtual
async def test_an_event_without_room_is_told() -> None:
    pipeline = Pipeline([Letter("a", 2), Slow()], lambda frame: None, capacity=3)
    assert pipeline.feed(Delta("1"))
    assert not pipeline.feed(Delta("2")), "half of it found no room"


ERRORS: list[Callable[[], Exception]] = [
    lambda: SpeechError("no voice"),
    lambda: LookupError("a fault"),
    lambda: ExceptionGroup("two", [ExceptionGroup("one", [SpeechError("no voice")])]),
]


@pytest.mark.parametrize("make", ERRORS)
@virtual
async def test_an_error_is_raised_as_it_is_and_ends_the_others(
    make: Callable[[], Exception],
) -> None:
    other = Slow()
    pipeline = Pipeline([other, Fail(make(), after_s=1.0)], lambda frame: None)
    with pytest.raises((SpeechError, LookupError)) as caught:
        await pipeline.run()
    assert not isinstance(caught.value, ExceptionGroup)
    assert other.ended == "cancelled"


@virtual
async def test_of_two_errors_the_first_is_raised() -> None:
    pipeline = Pipeline([Fail(SpeechError("first")), Fail(LookupError("second"))], lambda _: None)
    with pytest.raises(SpeechError, match="first"):
        await pipeline.run()


@virtual
async def test_an_error_of_the_source_is_raised_as_it_is() -> None:
    async def source() -> AsyncIterator[Frame]:
        yield Delta("1")
        raise LookupError("no more")

    service = Slow(1.0)
    with pytest.raises(LookupError, match="no more"):
        await Pipeline([service], lambda frame: None).run(source())


@virtual
async def test_an_error_of_a_service_ends_the_source() -> None:
    source = Source()
    pipeline = Pipeline([Fail(SpeechError("no voice"), after_s=1.0)], lambda _: None, capacity=2)
    with pytest.raises(SpeechError):
        await pipeline.run(source.frames())
    assert source.closed


@virtual
async def test_cancelling_ends_every_service_at_once() -> None:
    services = [Slow(), Slow(100.0)]
    pipeline = Pipeline(services, lambda frame: None)
    pipeline.feed(Delta("1"))
    running = asyncio.create_task(pipeline.run())
    await asyncio.sleep(1)
    running.cancel()
    await asyncio.wait({running}, timeout=0.001)
    assert running.cancelled()
    assert [service.ended for service in services] == ["cancelled"] * 2


@virtual
async def test_a_service_that_returns_early_ends_those_before_it() -> None:
    out: list[Frame] = []
    source = Source()
    first = Slow()
    await Pipeline([first, TakeOne()], out.append, capacity=1).run(source.frames())
    assert texts(out) == ["1-"]
    assert source.closed


@virtual
async def test_a_source_that_is_a_link_is_taken_until_it_closes() -> None:
    out: list[Frame] = []
    link: Link[Frame] = Link()
    link.offer(Delta("1"))
    link.close()
    await Pipeline([Slow()], out.append).run(link)
    assert texts(out) == ["1-", "end-"]


@settings(max_examples=100)
@given(
    fed=st.lists(st.sampled_from(["sound", "event", "wait"]), max_size=60),
    capacity=st.integers(1, 5),
    seconds=st.lists(st.sampled_from([0.0, 0.02, 0.1]), max_size=3),
)
@virtual
async def test_what_goes_in_comes_out_in_order_or_is_counted(
    fed: list[str], capacity: int, seconds: list[float]
) -> None:
    out: list[Frame] = []
    services: list[Stage] = [Slow(each, "") for each in seconds]
    pipeline = Pipeline([Letter(""), *services, Letter("")], out.append, capacity)
    running = asyncio.create_task(pipeline.run())
    taken: list[Frame] = []
    for number, what in enumerate(fed):
        match what:
            case "sound":
                assert pipeline.feed(sound(number)), "there is always room for sound"
                taken.append(sound(number))
            case "event" if pipeline.feed(Delta(str(number))):
                taken.append(Delta(str(number)))
            case _:
                await asyncio.sleep(0.02)
    pipeline.close()
    await running
    through = [frame for frame in out if frame != Delta("end")]
    assert len(through) == len(taken) - pipeline.dropped
    assert [frame for frame in taken if frame in through] == through
    assert texts(through) == texts(taken), "no event is dropped"
