"""The decoder's threads and the order of their work, with streams that only take time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from pipelines.speech.decoding import SOUND_DUE_S, Decoder, cores

Made = Callable[..., Decoder]


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


class Talk:
    """A stream of slices, each due when it is due; what was done goes into `done`."""

    def __init__(self, name: str, dues: list[float], done: list[str]) -> None:
        self.name = name
        self.dues = dues
        self.came: float | None = None
        self.at_once = threading.Lock()
        self.finished = threading.Event()
        self._done = done

    @property
    def due(self) -> float | None:
        return self.dues[0] if self.dues else None

    @property
    def waiting_s(self) -> float:
        return 0.1 * len(self.dues)

    def step(self) -> float | None:
        assert self.at_once.acquire(blocking=False), "two threads decode one stream"
        self._done.append(self.name)
        due = self.dues.pop(0)
        self.at_once.release()
        if not self.dues:
            self.finished.set()
        return due - 1.0


class Blocker(Talk):
    """Holds a thread until it is told."""

    def __init__(self) -> None:
        super().__init__("blocker", [0.0], [])
        self.began = threading.Event()
        self.go = threading.Event()

    def step(self) -> float | None:
        self.began.set()
        assert self.go.wait(5.0)
        return super().step()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def make(clock: Clock) -> Iterator[Made]:
    made: list[Decoder] = []

    def decoder(workers: int = 1) -> Decoder:
        made.append(Decoder(clock, workers))
        return made[-1]

    yield decoder
    for one in made:
        one.close()


def put(decoder: Decoder, *talks: Talk) -> None:
    for talk in talks:
        decoder.add(talk)
        decoder.wake(talk)


def run(decoder: Decoder, *talks: Talk) -> None:
    """Have all of them wait for the one thread, then let it go."""
    blocker = Blocker()
    put(decoder, blocker)
    assert blocker.began.wait(5.0)
    put(decoder, *talks)
    blocker.go.set()
    for talk in talks:
        assert talk.finished.wait(5.0)


def test_a_long_backlog_holds_no_thread_while_others_wait(make: Made) -> None:
    done: list[str] = []
    long = Talk("long", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], done)
    run(make(), long, Talk("a", [2.5], done), Talk("b", [3.5], done))
    assert done == ["long", "long", "a", "long", "b", "long", "long", "long"]


def test_equal_deadlines_take_turns(make: Made) -> None:
    done: list[str] = []
    run(make(), *(Talk(name, [1.0, 1.0], done) for name in "abc"))
    assert done == ["a", "b", "c", "a", "b", "c"]


def test_what_becomes_urgent_goes_first(make: Made) -> None:
    """A final is asked for while the stream waits."""
    done: list[str] = []
    decoder, blocker = make(), Blocker()
    put(decoder, blocker)
    assert blocker.began.wait(5.0)
    early, late = Talk("early", [1.0], done), Talk("late", [2.0], done)
    put(decoder, early, late)
    late.dues[0] = 0.5
    decoder.wake(late)
    blocker.go.set()
    assert early.finished.wait(5.0)
    assert done == ["late", "early"]


def test_a_stream_is_decoded_by_one_thread_at_a_time(make: Made) -> None:
    decoder, done = make(4), list[str]()
    talks = [Talk(str(n), [1.0] * 200, done) for n in range(3)]
    put(decoder, *talks)
    for talk in talks:
        for _ in range(50):
            decoder.wake(talk)
        assert talk.finished.wait(5.0)
    assert len(done) == 600


def test_threads_come_with_work_and_no_more_than_asked_for(make: Made) -> None:
    decoder = make(2)
    assert threads() == 0
    blockers = [Blocker() for _ in range(3)]
    put(decoder, *blockers[:1])
    assert blockers[0].began.wait(5.0)
    assert threads() == 1
    put(decoder, *blockers[1:])
    assert blockers[1].began.wait(5.0)
    assert threads() == 2
    assert not blockers[2].began.is_set()
    for blocker in blockers:
        blocker.go.set()
    assert blockers[2].finished.wait(5.0)


def threads() -> int:
    return sum(thread.name.startswith("decoder-") for thread in threading.enumerate())


def test_what_waits_is_counted_and_a_stream_that_left_is_not_decoded(make: Made) -> None:
    done: list[str] = []
    decoder, blocker = make(), Blocker()
    put(decoder, blocker)
    assert blocker.began.wait(5.0)
    gone, other = Talk("gone", [1.0] * 5, done), Talk("other", [9.0], done)
    put(decoder, gone, other)
    assert decoder.backlog_s == pytest.approx(0.7)  # the blocker's slice is one
    assert decoder.longest_s == pytest.approx(0.5)
    decoder.remove(gone)
    assert decoder.longest_s == pytest.approx(0.1)
    blocker.go.set()
    assert other.finished.wait(5.0)
    assert done == ["other"]


def test_the_lag_is_how_old_sound_is_once_decoded(make: Made, clock: Clock) -> None:
    decoder = make()
    assert decoder.lag_s == 0.0
    quick = Talk("quick", [clock.now_s + 0.98] * 95, [])  # came 20 ms ago
    run(decoder, quick)
    slow = Talk("slow", [clock.now_s + 0.5] * 3, [])
    run(decoder, slow)
    decoder.close()
    assert decoder.lag_s == pytest.approx(0.02)
    clock.now_s += 6.0
    assert decoder.lag_s == 0.0


def test_what_is_overdue_now_is_lag_at_once(make: Made, clock: Clock) -> None:
    decoder, stuck = make(), Talk("stuck", [], [])
    decoder.add(stuck)
    stuck.came = clock.now_s - SOUND_DUE_S + 0.01
    assert decoder.lag_s == 0.0
    stuck.came = clock.now_s - 2.0
    assert decoder.lag_s == pytest.approx(2.0)


def test_what_gave_way_is_counted(make: Made) -> None:
    decoder = make()
    decoder.give_way(interims=2)
    decoder.give_way(sound_s=0.5)
    assert (decoder.interims_skipped, decoder.sound_dropped_s) == (2, 0.5)


def test_closing_waits_for_the_slice_that_runs_and_drops_the_rest(make: Made) -> None:
    decoder, blocker, done = make(), Blocker(), list[str]()
    put(decoder, blocker)
    assert blocker.began.wait(5.0)
    put(decoder, Talk("never", [1.0], done))
    threading.Timer(0.02, blocker.go.set).start()
    decoder.close()
    assert blocker.finished.is_set()
    assert not done
    decoder.wake(blocker)
    assert threads() == 0


def test_as_many_threads_as_cores_unless_told(clock: Clock) -> None:
    assert Decoder(clock).workers == cores() >= 1
