"""The far ends of the bench: what they send, and what they take for an answer."""

from __future__ import annotations

import asyncio

import pytest

from bench.webrtc.callers import Line
from tests.virtual import virtual

LOUD = (1000).to_bytes(2, "little") * 320
FAINT = (100).to_bytes(2, "little") * 320


def frames(line: Line, count: int) -> list[bytes]:
    return [line.next_frame() for _ in range(count)]


@virtual
async def test_what_is_said_goes_out_in_whole_frames_and_then_silence() -> None:
    line = Line()
    line.say(LOUD + LOUD[:320])
    assert line.speaking
    assert frames(line, 3) == [LOUD, LOUD[:320] + bytes(320), bytes(640)]
    assert not line.speaking


@virtual
async def test_the_last_sample_is_earlier_than_the_end_of_its_frame() -> None:
    line = Line()
    line.say(LOUD, after_s=0.005)
    first, second = frames(line, 2)
    assert first == bytes(160) + LOUD[160:]
    assert second == LOUD[:160] + bytes(480)
    assert asyncio.get_running_loop().time() - line.spoken_at == pytest.approx(0.015)


@virtual
async def test_the_engine_listens_from_when_it_says_so_until_it_does_something_else() -> None:
    line = Line()
    line.told('{"type":"state","state":"listening"}')
    assert line.listening.is_set()
    line.told('{"type":"turn","turn":1}')
    assert line.listening.is_set()
    line.told('{"type":"state","state":"processing"}')
    assert not line.listening.is_set()


@virtual
async def test_an_answer_is_the_first_audible_sound_after_the_last_word() -> None:
    line = Line()
    line.heard(lambda: LOUD)  # nobody waits
    answer = line.loud_at = asyncio.get_running_loop().create_future()
    line.say(LOUD)
    line.heard(lambda: LOUD)  # still speaking
    frames(line, 1)
    line.heard(lambda: FAINT)
    assert not answer.done()
    await asyncio.sleep(0.25)
    line.heard(lambda: LOUD)
    assert await answer - line.spoken_at == pytest.approx(0.25)
    line.heard(lambda: LOUD)  # the first counts
    assert line.frames == 5
