from collections.abc import Awaitable, Callable

import pytest

from engine.budget import Mark
from engine.errors import SpeechError
from engine.mouth import Mouth
from engine.turn import Turn
from tests.engine.conformance import mouth as conformance
from tests.fakes import FakeMouth
from tests.virtual import virtual


@pytest.mark.parametrize("case", conformance.CASES, ids=lambda case: case.__name__)
@virtual
async def test_the_fake_conforms(case: Callable[[Mouth], Awaitable[None]]) -> None:
    await case(FakeMouth())


@virtual
async def test_the_fake_fails_as_it_is_told_to() -> None:
    mouth = FakeMouth()
    mouth.errors.extend([None, SpeechError("no voice")])
    await conformance.speak(mouth, Turn(1), "un")
    with pytest.raises(SpeechError):
        await conformance.speak(mouth, Turn(2), "deux")
    await conformance.speak(mouth, Turn(3), "trois")
    assert mouth.spoken == ["un", "trois"]


@virtual
async def test_the_fakes_far_end_tells_late_what_it_played() -> None:
    mouth = FakeMouth()
    turn = Turn(1)
    await conformance.interrupt(mouth, turn, until=Mark.FIRST_AUDIO)
    mouth.late[1] = "Bonjour,"
    mouth.reached(turn)
    assert turn.said == "Bonjour,"
    assert Mark.FIRST_PLAYED in turn.marks
