from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import pairwise

import pytest

from engine.clock import LoopClock
from engine.errors import UnderstandingError
from engine.frames import Delta, Dtmf, Frame, Say, Think
from engine.ladder import StepDown
from engine.link import Link
from engine.stage import Outlet
from pipelines.mind.think import Thinking
from tests.virtual import START_S, virtual

FALLBACK = Say("Je vous rappelle.")
THINK = Think((("user", "Bonjour"),), FALLBACK.text)
FILLERS = ("Un instant.", "Voyons voir.", "Alors…")


class Model:
    """Waits and writes by turns: seconds and pieces of text, or an error at the end."""

    def __init__(self, *script: float | str | Exception) -> None:
        self.script = script
        self.running = 0

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        self.running += 1
        try:
            async for frame in inbox:
                assert isinstance(frame, Think)
                for step in self.script:
                    match step:
                        case float():
                            await asyncio.sleep(step)
                        case str():
                            await outbox.put(Delta(step))
                        case _:
                            raise step
        finally:
            self.running -= 1


class Timed:
    """Notes when each frame came; takes `room_s` for each."""

    def __init__(self, room_s: float = 0.0) -> None:
        self.seen: list[tuple[float, Frame]] = []
        self._room_s = room_s

    async def put(self, frame: Frame) -> None:
        self.seen.append((round(asyncio.get_running_loop().time() - START_S, 3), frame))
        if self._room_s:
            await asyncio.sleep(self._room_s)


class Heard:
    """What one Think, or several, came to."""

    def __init__(
        self, model: Model, fillers: Sequence[str] = FILLERS[:1], room_s: float = 0.0
    ) -> None:
        self.steps: list[StepDown] = []
        self.outbox = Timed(room_s)
        self.thinking = Thinking(
            model, LoopClock(), 0.25, 2.0, fillers, on_step=self.steps.append, rng=random.Random(1)
        )
        self._model = model

    async def __call__(self, *frames: Frame) -> list[tuple[float, Frame]]:
        inbox: Link[Frame] = Link(64)
        for frame in frames or (THINK,):
            inbox.offer(frame)
        inbox.close()
        await self.thinking.run(inbox, self.outbox)
        assert not self._model.running
        return self.outbox.seen


@virtual
async def test_a_model_in_time_is_all_that_is_heard() -> None:
    heard = Heard(Model(0.2, "Bonjour. ", 0.5, "Dites-moi.", ""))
    assert await heard() == [
        (0.2, Delta("Bonjour. ")),
        (0.7, Delta("Dites-moi.")),
        (0.7, Delta("")),
    ]
    assert heard.steps == []


@virtual
async def test_a_filler_bridges_a_late_one() -> None:
    heard = Heard(Model(1.0, "Bonjour."))
    assert await heard() == [(0.25, Say("Un instant.")), (1.0, Delta("Bonjour."))]
    assert heard.steps == [StepDown("llm", "late")]


@virtual
async def test_the_fallback_takes_the_place_of_one_that_never_answers() -> None:
    heard = Heard(Model(60.0, "trop tard"))
    assert await heard() == [(0.25, Say("Un instant.")), (2.0, FALLBACK)]
    assert heard.steps == [StepDown("llm", "late"), StepDown("filler", "late")]


@virtual
async def test_a_failure_is_answered_at_once() -> None:
    heard = Heard(Model(0.1, UnderstandingError("no")))
    assert await heard() == [(0.1, FALLBACK)]
    assert heard.steps == [StepDown("llm", "understanding.unavailable")]


@virtual
async def test_a_failure_behind_the_filler() -> None:
    heard = Heard(Model(0.5, UnderstandingError("no")))
    assert await heard() == [(0.25, Say("Un instant.")), (0.5, FALLBACK)]
    assert heard.steps[-1] == StepDown("filler", "understanding.unavailable")


@virtual
async def test_a_reply_without_text_is_none() -> None:
    heard = Heard(Model(0.1, ""))
    assert await heard() == [(0.1, Delta("")), (0.1, FALLBACK)]
    assert heard.steps == [StepDown("llm", "empty")]


@virtual
async def test_one_that_falls_silent_within_its_reply_is_left() -> None:
    heard = Heard(Model(0.1, "Eh bien, ", 60.0, "trop tard"))
    assert await heard() == [(0.1, Delta("Eh bien, ")), (2.1, FALLBACK)]
    assert heard.steps == [StepDown("llm", "late")]


@virtual
async def test_one_that_waits_for_room_is_not_silent() -> None:
    heard = Heard(Model(0.1, "un ", "deux ", "trois"), room_s=5.0)
    assert [frame for _, frame in await heard()] == [Delta("un "), Delta("deux "), Delta("trois")]
    assert heard.steps == []


@virtual
async def test_no_filler_twice_in_a_row() -> None:
    heard = Heard(Model(0.5, "Oui."), FILLERS)
    seen = await heard(*[THINK] * 20)
    fillers = [frame.text for _, frame in seen if isinstance(frame, Say)]
    assert len(fillers) == 20
    assert set(fillers) == set(FILLERS)
    assert all(one != following for one, following in pairwise(fillers))


@virtual
async def test_the_only_filler_is_said_once() -> None:
    heard = Heard(Model(0.5, "Oui."))
    fillers = [frame for _, frame in await heard(THINK, THINK) if isinstance(frame, Say)]
    assert fillers == [Say("Un instant.")]


@virtual
async def test_other_frames_pass_in_order() -> None:
    heard = Heard(Model(0.1, "Oui."))
    seen = await heard(Say("D'abord."), THINK, Dtmf("5", 1.0))
    assert [frame for _, frame in seen] == [Say("D'abord."), Delta("Oui."), Dtmf("5", 1.0)]


@virtual
async def test_cancelling_cancels_the_model() -> None:
    model = Model(60.0)
    heard = Heard(model)
    task = asyncio.create_task(heard())
    await asyncio.sleep(0.1)
    assert model.running
    task.cancel()
    await asyncio.wait({task})
    assert not model.running
    assert heard.outbox.seen == []


@virtual
async def test_a_fault_of_ours_is_raised() -> None:
    heard = Heard(Model(0.1, KeyError("ours")))
    with pytest.raises(KeyError, match="ours"):
        await heard()


def test_a_filler_comes_before_giving_up() -> None:
    with pytest.raises(ValueError, match="comes before"):
        Thinking(Model(), LoopClock(), 2.0, 1.0)
