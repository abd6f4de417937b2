"""When a filler is said, and when none is any more."""

import asyncio

import pytest

from engine.budget import Mark
from engine.clock import LoopClock
from engine.ladder import StepDown
from engine.turn import Turn
from pipelines.bridge import Bridge
from pipelines.speech.fillers import AGAIN_S, Fillers
from tests.virtual import virtual

SOUND = b"\1\0" * 8000


class Said:
    """A bridge, and what it says."""

    def __init__(self, lines: tuple[str, ...] = ("Alors…", "Voyons…")) -> None:
        self.lines: list[tuple[float, str]] = []
        self.held = False
        self.began = LoopClock().now()
        self.bridge = Bridge(self._say, lambda: self.held, LoopClock())
        self.bridge.fillers = Fillers(
            {"any": lines, "work": ("Un instant…",)}, lambda line: SOUND, "fr", "s1"
        )
        self.turn = Turn(1, heard="oui")
        self.turn.mark(Mark.SPEECH_END, self.began)

    def _say(self, turn: Turn, text: str, pcm: bytes) -> None:
        assert (turn, pcm) == (self.turn, SOUND)
        self.lines.append((LoopClock().now() - self.began, text))


@virtual
async def test_it_is_said_when_due_and_once_more() -> None:
    said = Said()
    said.bridge.expect(said.turn)
    await asyncio.sleep(20)
    assert [at for at, _ in said.lines] == [
        pytest.approx(0.75),
        pytest.approx(0.75 + 0.5 + AGAIN_S),
    ]
    assert len({text for _, text in said.lines}) == 2
    assert said.turn.bridging
    assert said.turn.steps_down == [StepDown("answer", "late")] * 2
    said.bridge.stop()


@virtual
async def test_none_is_said_once_the_answer_came() -> None:
    said = Said()
    said.bridge.expect(said.turn)
    await asyncio.sleep(0.7)
    said.bridge.came()
    await asyncio.sleep(5)
    assert not said.lines
    assert said.bridge.fillers is not None
    assert list(said.bridge.fillers.lateness.recent_s) == [pytest.approx(0.7)]


@virtual
async def test_it_waits_while_the_user_speaks() -> None:
    said = Said()
    said.held = True
    said.bridge.expect(said.turn)
    await asyncio.sleep(2.0)
    assert not said.lines
    said.held = False
    await asyncio.sleep(0.03)
    assert len(said.lines) == 1
    said.bridge.stop()
    await asyncio.sleep(10)
    assert len(said.lines) == 1


@virtual
async def test_there_is_another_line_while_something_is_looked_up() -> None:
    said = Said()
    said.bridge.expect(said.turn)
    said.bridge.works = True
    await asyncio.sleep(1)
    assert [text for _, text in said.lines] == ["Un instant…"]
    said.bridge.stop()


@virtual
async def test_a_filler_that_would_come_twice_in_a_row_is_not_said() -> None:
    said = Said(("Alors…",))
    said.bridge.expect(said.turn)
    await asyncio.sleep(20)
    assert [text for _, text in said.lines] == ["Alors…"]


@virtual
async def test_without_fillers_nothing_is_said() -> None:
    said = Said()
    said.bridge.fillers = None
    said.bridge.expect(said.turn)
    await asyncio.sleep(5)
    said.bridge.came()
    assert not said.lines
