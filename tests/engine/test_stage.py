from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from engine.frames import Delta, Frame
from engine.link import Link
from engine.stage import Outlet, fuse, is_service, is_transform


class Repeat:
    """Passes a frame on `times` times, with its letter."""

    def __init__(self, letter: str, times: int = 1) -> None:
        self.letter = letter
        self.times = times

    def feed(self, frame: Frame) -> Iterable[Frame]:
        assert isinstance(frame, Delta)
        for number in range(self.times):
            yield Delta(f"{frame.text}{self.letter}{number}")


class PassOn:
    async def run(self, inbox: Link[Frame], outlet: Outlet) -> None:
        async for frame in inbox:
            await outlet.put(frame)


def test_the_two_shapes_are_told_apart() -> None:
    assert is_transform(Repeat("a"))
    assert not is_service(Repeat("a"))
    assert is_service(PassOn())
    assert not is_transform(PassOn())


def test_nothing_fused_passes_on() -> None:
    assert list(fuse([])(Delta("x"))) == [Delta("x")]


def test_one_transform_is_called_as_it_is() -> None:
    repeat = Repeat("a")
    assert fuse([repeat]) == repeat.feed


def test_depth_first_so_that_order_is_kept() -> None:
    feed = fuse([Repeat("a", 2), Repeat("b", 2)])
    assert [frame.text for frame in feed(Delta("")) if isinstance(frame, Delta)] == [
        "a0b0",
        "a0b1",
        "a1b0",
        "a1b1",
    ]


def test_what_one_swallows_the_next_never_sees() -> None:
    assert list(fuse([Repeat("a", 0), Repeat("b")])(Delta(""))) == []


@given(times=st.lists(st.integers(0, 3), max_size=5))
def test_fused_is_the_same_as_one_after_the_other(times: list[int]) -> None:
    transforms = [Repeat(chr(ord("a") + index), count) for index, count in enumerate(times)]
    one_by_one: list[Frame] = [Delta("")]
    for transform in transforms:
        one_by_one = [out for frame in one_by_one for out in transform.feed(frame)]
    assert list(fuse(transforms)(Delta(""))) == one_by_one
