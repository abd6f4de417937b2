import asyncio

import pytest

from engine import ladder
from engine.clock import LoopClock
from engine.errors import SpeechError, UnderstandingError
from engine.ladder import ENOUGH, Ladder, Rung, StepDown
from tests.virtual import virtual


class Way:
    """Takes `seconds`, then returns its name or raises `error`."""

    def __init__(self, name: str, seconds: float = 0.0, error: Exception | None = None) -> None:
        self.name = name
        self.seconds = seconds
        self.error = error
        self.tried = 0
        self.cancelled = 0

    async def __call__(self, *args: object) -> str:
        self.tried += 1
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        return " ".join([self.name, *map(str, args)])


def ladder_of(*ways: Way) -> Ladder[str]:
    return Ladder([Rung(way.name, way) for way in ways], LoopClock())


async def climb(ladder: Ladder[str], allowed_s: float, *args: object) -> tuple[str, list[StepDown]]:
    steps: list[StepDown] = []
    deadline = asyncio.get_running_loop().time() + allowed_s
    return await ladder.climb_down(deadline, *args, on_step=steps.append), steps


def test_a_ladder_without_a_rung_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a rung"):
        Ladder([], LoopClock())


@virtual
async def test_the_best_rung_that_is_in_time_answers() -> None:
    best, last = Way("best", 0.1), Way("last")
    assert await climb(ladder_of(best, last), 0.25, "oui", 1) == ("best oui 1", [])
    assert last.tried == 0


@virtual
async def test_a_late_rung_is_left_at_the_deadline() -> None:
    loop = asyncio.get_running_loop()
    best, last = Way("best", 10.0), Way("last")
    began = loop.time()
    assert await climb(ladder_of(best, last), 0.25) == ("last", [StepDown("best", "late")])
    assert loop.time() - began == pytest.approx(0.25)
    assert best.cancelled == 1


@virtual
async def test_after_the_deadline_only_what_needs_no_time_is_in_time() -> None:
    assert await climb(ladder_of(Way("best", 0.1), Way("last")), -1.0) == (
        "last",
        [StepDown("best", "late")],
    )


@virtual
async def test_a_rung_that_fails_is_left_with_its_code() -> None:
    ways = [
        Way("cloud", error=UnderstandingError("no model")),
        Way("local", error=SpeechError("no voice")),
        Way("last"),
    ]
    assert await climb(ladder_of(*ways), 0.25) == (
        "last",
        [
            StepDown("cloud", "understanding.unavailable"),
            StepDown("local", "speech.unavailable"),
        ],
    )


@virtual
async def test_a_fault_is_no_reason_to_step_down() -> None:
    with pytest.raises(LookupError):
        await climb(ladder_of(Way("best", error=LookupError()), Way("last")), 0.25)


@virtual
async def test_the_last_rung_has_no_deadline_and_its_error_is_the_ladders() -> None:
    assert await climb(ladder_of(Way("last", 60.0)), 0.25) == ("last", [])
    with pytest.raises(UnderstandingError):
        await climb(ladder_of(Way("last", error=UnderstandingError("nothing left"))), 0.25)


@virtual
async def test_a_rung_that_is_known_to_be_late_is_not_waited_for() -> None:
    loop = asyncio.get_running_loop()
    best, last = Way("best", 1.0), Way("last")
    rungs = ladder_of(best, last)
    for _ in range(ladder.ENOUGH):
        await climb(rungs, 0.25)
    began = loop.time()
    assert await climb(rungs, 0.2) == ("last", [StepDown("best", "predicted")])
    assert loop.time() == began
    assert best.tried == ladder.ENOUGH
    best.seconds = 0.1
    assert await climb(rungs, 0.5) == ("best", []), "a deadline that it meets is another matter"


@virtual
async def test_a_rung_that_was_left_is_tried_again_after_a_while_and_comes_back() -> None:
    best, last = Way("best", 1.0), Way("last")
    rungs = ladder_of(best, last)
    for _ in range(ladder.ENOUGH):
        await climb(rungs, 0.25)
    best.seconds = 0.1
    tried = best.tried
    answers = []
    for _ in range(ladder.WINDOW + 20):
        await asyncio.sleep(ladder.PROBE_S / 10)
        answers.append((await climb(rungs, 0.2))[0])
    assert 0 < answers.count("best") <= best.tried - tried
    assert answers[:9] == ["last"] * 9, "not before"
    for _ in range(ladder.WINDOW):
        await asyncio.sleep(ladder.PROBE_S)
        await climb(rungs, 0.2)
    assert await climb(rungs, 0.2) == ("best", []), "its recent p95 is good again"


@virtual
async def test_the_p95_needs_enough_and_forgets() -> None:
    rung: Rung[str] = Rung("best", Way("best"))
    rung.recent_s.extend([0.1] * (ladder.ENOUGH - 1))
    assert rung.p95_s() is None
    rung.recent_s.append(9.0)
    assert rung.p95_s() == 0.1, "one in eight"
    rung.recent_s.extend([9.0] * 5)
    assert rung.p95_s() == 9.0
    rung.recent_s.extend(number / 100 for number in range(ladder.WINDOW))
    assert rung.p95_s() == pytest.approx(0.46)
    assert len(rung.recent_s) == ladder.WINDOW


@virtual
async def test_cancelling_goes_through_to_the_rung_and_is_no_step_down() -> None:
    best = Way("best", 0.2)
    steps: list[StepDown] = []
    deadline = asyncio.get_running_loop().time() + 1.0
    climbing = asyncio.create_task(
        ladder_of(best, Way("last")).climb_down(deadline, on_step=steps.append)
    )
    await asyncio.sleep(0.1)
    climbing.cancel()
    await asyncio.wait({climbing})
    assert climbing.cancelled()
    assert best.cancelled == 1
    assert steps == []


async def climb_ahead(
    ladder: Ladder[str], allowed_s: float, begun: tuple[object, ...], *args: object
) -> tuple[str, list[StepDown]]:
    """Begin on `begun`, and ask for `args` 100 ms later."""
    ahead = ladder.begin(asyncio.create_task, *begun)
    await asyncio.sleep(0.1)
    steps: list[StepDown] = []
    deadline = asyncio.get_running_loop().time() + allowed_s
    said = await ladder.climb_down(deadline, *args, on_step=steps.append, ahead=ahead)
    return said, steps


@virtual
async def test_what_was_begun_ahead_is_done_sooner() -> None:
    best, last = Way("best", 0.3), Way("last")
    ladder = ladder_of(best, last)
    assert await climb_ahead(ladder, 0.25, ("oui",), "oui") == ("best oui", [])
    assert best.tried == 1
    assert ladder.rungs[0].recent_s[-1] == pytest.approx(0.3)
    assert await climb_ahead(ladder, 0.0, ("non",), "non") == (
        "last non",
        [StepDown("best", "late")],
    )
    assert best.cancelled == 1
    assert ladder.rungs[0].recent_s[-1] == pytest.approx(0.1)


@virtual
async def test_what_is_there_already_is_taken_whatever_the_deadline() -> None:
    best, last = Way("best", 0.05), Way("last")
    assert await climb_ahead(ladder_of(best, last), 0.0, ("oui",), "oui") == ("best oui", [])


@virtual
async def test_what_was_begun_on_something_else_is_discarded() -> None:
    best, last = Way("best", 0.2), Way("last")
    assert await climb_ahead(ladder_of(best, last), 0.25, ("oui",), "oui mais") == (
        "best oui mais",
        [],
    )
    assert (best.tried, best.cancelled) == (2, 1)


@virtual
async def test_an_error_of_what_was_begun_is_a_step_down_where_it_is_asked_for() -> None:
    best, last = Way("best", 0.0, UnderstandingError("down")), Way("last")
    ladder = ladder_of(best, last)
    said, steps = await climb_ahead(ladder, 0.25, ("oui",), "oui")
    assert (said, steps) == ("last oui", [StepDown("best", UnderstandingError.code)])
    ahead = ladder.begin(asyncio.create_task, "oui")  # and is nobody's where it is not
    assert ahead is not None
    await asyncio.sleep(0.1)
    ahead.discard()
    assert not ladder.rungs[0].recent_s


@virtual
async def test_what_was_begun_is_awaited_although_the_rung_is_usually_late() -> None:
    best, last = Way("best", 0.3), Way("last")
    ladder = ladder_of(best, last)
    ladder.rungs[0].recent_s.extend([0.3] * ENOUGH)
    ladder.rungs[0].tried_at = asyncio.get_running_loop().time()
    assert await climb_ahead(ladder, 0.25, ("oui",), "oui") == ("best oui", [])


@virtual
async def test_a_mind_that_is_never_late_begins_nothing() -> None:
    assert ladder_of(Way("only")).begin(asyncio.create_task, "oui") is None
