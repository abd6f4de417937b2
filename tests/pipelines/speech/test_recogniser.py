"""A call's recogniser, stepped by hand: no thread, and a Vosk that only counts."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.errors import SpeechError
from engine.frames import Audio, Transcript
from pipelines.speech import recogniser as module
from pipelines.speech.decoding import FINAL_DUE_S, SOUND_DUE_S, Decoder
from pipelines.speech.hearing import Heard
from pipelines.speech.recogniser import MOST_WAITING_S, SLICE_BYTES, Recogniser

CHUNK = bytes(SLICE_BYTES)


class FakeHearing:
    """Hears a word a slice; by a grammar, only what `expects` says."""

    made: list[FakeHearing]
    expects: Heard
    fails = False

    def __init__(self, model: Any, grammar: str | None) -> None:
        self.grammar = grammar
        self.slices = 0
        self.resets = 0
        self.made.append(self)

    def reset(self) -> None:
        self.slices = 0
        self.resets += 1

    def feed(self, pcm: bytes) -> None:
        if self.fails:
            raise RuntimeError("vosk")
        self.slices += 1

    def partial(self) -> tuple[str, bool]:
        if self.grammar is not None:
            return self.expects.text, self.expects.unknown
        return " ".join(["mot"] * self.slices), False

    def final(self) -> Heard:
        if self.grammar is not None:
            return self.expects
        return Heard(" ".join(["mot"] * self.slices), 0.9)


class Watched(Decoder):
    """Runs nothing by itself."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0, 1)
        self.woken = 0

    def wake(self, stream: Any) -> None:
        self.woken += 1


class Call:
    def __init__(self) -> None:
        self.interims: list[str] = []
        self.decoder = Watched()
        self.recogniser = Recogniser(None, self.decoder, self._interim)

    def _interim(self, interim: Transcript) -> None:
        self.interims.append(interim.text)

    def take(self, chunks: int, at: float = 10.0) -> None:
        for index in range(chunks):
            self.recogniser.take(Audio(CHUNK, 16000, at + index * 0.1))

    async def step(self) -> float | None:
        came = self.recogniser.step()
        await asyncio.sleep(0)
        return came

    async def final(self, at: float = 20.0) -> Heard:
        asked = asyncio.ensure_future(self.recogniser.finish(at))
        await asyncio.sleep(0)
        while self.recogniser.due is not None:
            await self.step()
        return await asked


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Hearing", FakeHearing)
    monkeypatch.setattr(FakeHearing, "fails", False)
    FakeHearing.made = []
    FakeHearing.expects = Heard("oui", 0.9)


@pytest.mark.asyncio
async def test_sound_is_due_when_it_came_and_a_final_when_it_is_asked_for() -> None:
    call = Call()
    call.recogniser.begin()
    assert (call.recogniser.due, call.recogniser.came) == (None, None)
    call.take(2)
    assert call.recogniser.came == pytest.approx(10.1)
    assert call.recogniser.due == pytest.approx(10.1 + SOUND_DUE_S)
    assert call.recogniser.waiting_s == pytest.approx(0.2)
    asked = asyncio.ensure_future(call.recogniser.finish(10.2))
    await asyncio.sleep(0)
    assert call.recogniser.due == pytest.approx(10.2 + FINAL_DUE_S)
    assert await call.step() == pytest.approx(10.1)
    assert not asked.done()
    await call.step()
    assert await asked == Heard("mot mot", 0.9)
    assert (call.recogniser.due, call.recogniser.waiting_s) == (None, 0.0)


@pytest.mark.asyncio
async def test_an_interim_is_made_only_once_no_sound_waits_and_only_if_it_is_new() -> None:
    call = Call()
    call.recogniser.begin()
    call.take(3)
    await call.step()
    await call.step()
    assert (call.interims, call.decoder.interims_skipped) == ([], 2)
    await call.step()
    assert call.interims == ["mot mot mot"]
    await call.step()
    assert call.interims == ["mot mot mot"]


@pytest.mark.asyncio
async def test_an_interim_of_an_utterance_that_is_over_is_skipped() -> None:
    call = Call()
    call.recogniser.begin()
    call.take(1)
    call.recogniser.step()
    call.recogniser.begin()  # before the loop came to tell the interim
    await asyncio.sleep(0)
    assert (call.interims, call.decoder.interims_skipped) == ([], 1)


@pytest.mark.asyncio
async def test_what_is_left_of_an_utterance_is_dropped_by_the_next() -> None:
    call = Call()
    call.recogniser.begin()
    call.take(3)
    await call.step()
    call.recogniser.begin()
    call.take(1)
    assert (await call.final()).text == "mot"
    assert [hearing.resets for hearing in FakeHearing.made] == [1]


@pytest.mark.asyncio
async def test_no_sound_is_no_words() -> None:
    call = Call()
    call.recogniser.begin()
    assert await call.final() == Heard()
    call.take(1)
    call.recogniser.begin()
    assert await call.final() == Heard()


@pytest.mark.asyncio
async def test_more_sound_than_is_of_use_gives_way_the_oldest_first() -> None:
    call = Call()
    call.recogniser.begin()
    call.take(round(MOST_WAITING_S * 10) + 5)
    assert call.recogniser.waiting_s == pytest.approx(MOST_WAITING_S)
    assert call.decoder.sound_dropped_s == pytest.approx(0.5)
    assert call.recogniser.came == pytest.approx(10.6)
    assert len((await call.final()).text.split()) == MOST_WAITING_S * 10


@pytest.mark.asyncio
async def test_expected_words_that_are_sure_need_no_second_hearing() -> None:
    call = Call()
    call.recogniser.begin("grammar")
    call.take(3)
    assert await call.final() == Heard("oui", 0.9)
    assert [hearing.grammar for hearing in FakeHearing.made] == ["grammar"]


@pytest.mark.asyncio
async def test_unsure_words_are_heard_again_slice_by_slice() -> None:
    FakeHearing.expects = Heard("oui", 0.3)
    call = Call()
    call.recogniser.begin("grammar")
    call.take(3)
    for _ in range(3):
        await call.step()
    assert len(FakeHearing.made) == 1
    asked = asyncio.ensure_future(call.recogniser.finish(20.0))
    await asyncio.sleep(0)
    for heard in (1, 2):
        await call.step()
        assert FakeHearing.made[1].slices == heard
        assert not asked.done()
        assert call.recogniser.due == 20.0 + FINAL_DUE_S
    await call.step()
    assert await asked == Heard("mot mot mot", 0.9)


@pytest.mark.asyncio
async def test_something_else_is_heard_without_expectations_while_it_is_said() -> None:
    FakeHearing.expects = Heard(unknown=True)
    call = Call()
    call.recogniser.begin("grammar")
    call.take(2)
    await call.step()
    await call.step()  # the first look finds something unknown; a slice of two is heard again
    call.take(1)
    await call.step()  # … and here the rest
    assert call.interims == ["mot mot mot"]
    call.take(1)
    await call.step()
    assert FakeHearing.made[1].slices == 4
    assert (await call.final()).text == "mot mot mot mot"


@pytest.mark.asyncio
async def test_the_next_question_is_heard_by_its_own_grammar() -> None:
    call = Call()
    for grammar in ("one", "one", "two", None):
        call.recogniser.begin(grammar)
        call.take(1)
        await call.final()
    assert [hearing.grammar for hearing in FakeHearing.made] == ["one", "two", None]


@pytest.mark.asyncio
async def test_a_failure_reaches_whoever_waits_for_the_final(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeHearing, "fails", True)
    call = Call()
    call.recogniser.begin()
    call.take(1)
    with pytest.raises(SpeechError, match="failed to decode") as caught:
        await call.final()
    assert isinstance(caught.value.__cause__, RuntimeError)


@pytest.mark.asyncio
async def test_a_failure_before_the_end_of_speech_is_raised_with_the_next_sound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(FakeHearing, "fails", True)
    call = Call()
    call.recogniser.begin()
    call.take(1)
    await call.step()
    assert call.recogniser.due is None
    with pytest.raises(SpeechError):
        call.take(1)
    with pytest.raises(SpeechError):
        await call.recogniser.finish(20.0)


@pytest.mark.asyncio
async def test_a_final_that_nobody_waits_for_any_more_is_dropped() -> None:
    call = Call()
    call.recogniser.begin()
    call.take(1)
    asked = asyncio.ensure_future(call.recogniser.finish(20.0))
    await asyncio.sleep(0)
    asked.cancel()
    await asyncio.wait({asked})
    await call.step()
    assert asked.cancelled()


def test_after_the_loop_has_ended_nobody_is_told() -> None:
    async def said() -> Call:
        call = Call()
        call.recogniser.begin()
        call.take(1)
        return call

    call = asyncio.run(said())
    call.recogniser.step()
    assert call.interims == []
