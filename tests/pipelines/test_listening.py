"""Ears without a mouth: what one side of a call says is heard, and nothing is answered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import numpy as np
import pytest

from engine.channel import Capabilities
from engine.clock import LoopClock
from engine.errors import SpeechError
from engine.frames import Audio, Dtmf, Frame, Hangup, SpeechEnded, SpeechStarted, Transcript
from engine.link import Link
from engine.stage import Outlet, Service
from pipelines.audio.ticker import Ticker
from pipelines.listening import FINAL_PATIENCE_S, Ears, Utterance
from pipelines.turns.gate import SpeechGate
from pipelines.voice import LAST_WORDS_S, Speech
from tests.fakes import FakeAudioChannel
from tests.virtual import virtual


class Loud:
    """Takes any sound for speech."""

    def is_speech(self, pcm: bytes) -> bool:
        return any(pcm)


class Numbers:
    """Recognises the n-th utterance as ``n``, `after_s` after its end; `fails` in the place of
    that."""

    def __init__(self, after_s: float = 0.0, fails: str = "") -> None:
        self.after_s = after_s
        self.fails = fails
        self.heard_s = 0.0

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        number = 0
        async for frame in inbox:
            match frame:
                case SpeechStarted(decided_at=at):
                    number += 1
                    await outbox.put(frame)
                    await outbox.put(Transcript(f"{number}…", False, at))
                case Audio():
                    self.heard_s += frame.duration_s
                case SpeechEnded(decided_at=at):
                    if self.fails == "raise":
                        raise SpeechError("broken")
                    await asyncio.sleep(3600 if self.fails == "hang" else self.after_s)
                    await outbox.put(frame)
                    await outbox.put(Transcript(str(number) if number < 9 else "", True, at, 0.5))
                case _:
                    await outbox.put(frame)


class Person:
    """Somebody who is listened to."""

    def __init__(self, stt: Callable[[], Service], rate_hz: int = 16000) -> None:
        self.clock = LoopClock()
        self.ticker = Ticker(self.clock)
        self.channel = FakeAudioChannel(Capabilities(rate_hz=rate_hz))
        self.said: list[Utterance] = []
        self.shown: list[str] = []
        self.errors: list[Exception] = []
        self.ears = Ears(
            self.channel,
            Speech(lambda: SpeechGate(Loud()), stt, tuple),
            self.clock,
            self.ticker,
            self.said.append,
            show=lambda transcript: self.shown.append(transcript.text),
            lost=self.errors.append,
        )

    async def speak(self, seconds: float, *, loud: bool = True) -> None:
        rate_hz = self.channel.capabilities.rate_hz
        tone = 8000 * np.sin(2 * np.pi * 440 * np.arange(rate_hz // 50) / rate_hz)
        pcm = tone.astype("<i2").tobytes() if loud else bytes(rate_hz // 50 * 2)
        for _ in range(round(seconds / 0.02)):
            self.channel.deliver(Audio(pcm, rate_hz, self.clock.now()))
            await asyncio.sleep(0.02)


@asynccontextmanager
async def listened(person: Person) -> AsyncIterator[asyncio.Task[str]]:
    running = asyncio.create_task(person.ears.run())
    await asyncio.sleep(0)
    yield running
    assert running.done()
    assert len(person.ticker) == 0
    assert not person.channel.played
    assert not person.channel.sent


@pytest.mark.parametrize("rate_hz", [8000, 16000])
@virtual
async def test_what_is_said_is_heard_with_its_times(rate_hz: int) -> None:
    stt = Numbers(after_s=0.05)
    person = Person(lambda: stt, rate_hz)
    began = person.clock.now()
    async with listened(person) as running:
        for _ in range(2):
            await person.speak(0.4)
            await person.speak(0.6, loud=False)
        person.channel.deliver(Dtmf("1", 0.0))
        person.channel.deliver(Hangup("caller"))
        person.channel.deliver(Hangup("again"))
        assert await running == "caller"
    assert [(one.text, one.confidence) for one in person.said] == [("1", 0.5), ("2", 0.5)]
    first, second = person.said
    assert first.began_at - began == pytest.approx(0.0, abs=0.04)
    assert first.ended_at - began == pytest.approx(0.4, abs=0.04)
    assert second.began_at - began == pytest.approx(1.0, abs=0.04)
    assert person.shown == ["1…", "1", "2…", "2"]
    assert stt.heard_s > 0.8


@virtual
async def test_a_line_that_falls_silent_ends_what_was_said() -> None:
    """No sound comes: only the clock says that time goes by."""
    person = Person(Numbers)
    async with listened(person) as running:
        await person.speak(0.4)
        await asyncio.sleep(1.0)
        assert [one.text for one in person.said] == ["1"]
        assert len(person.ticker) == 0, "nothing is waited for"
        person.channel.deliver(Hangup("caller"))
        await running


@virtual
async def test_last_words_are_waited_for_but_not_for_ever() -> None:
    for after_s, heard in ((LAST_WORDS_S / 2, ["1"]), (LAST_WORDS_S * 2, [])):
        person = Person(lambda after_s=after_s: Numbers(after_s))  # type: ignore[misc]
        async with listened(person) as running:
            await person.speak(0.4)
            person.channel.deliver(Hangup("caller"))
            assert await running == "caller"
        assert [one.text for one in person.said] == heard


@pytest.mark.parametrize("how", ["raise", "hang"])
@virtual
async def test_a_recogniser_that_fails_loses_one_utterance(how: str) -> None:
    made = [Numbers(fails=how), Numbers(), Numbers()]
    person = Person(lambda: made.pop(0))
    async with listened(person) as running:
        await person.speak(0.4)
        await person.speak(FINAL_PATIENCE_S + 1, loud=False)
        assert len(person.errors) == 1
        await person.speak(0.4)
        await person.speak(0.6, loud=False)
        person.channel.deliver(Hangup("caller"))
        await running
    assert [one.text for one in person.said] == ["1"]


@virtual
async def test_noise_without_words_is_not_said() -> None:
    person = Person(Numbers)
    async with listened(person) as running:
        for _ in range(9):
            await person.speak(0.2)
            await person.speak(0.5, loud=False)
        person.channel.deliver(Hangup("caller"))
        await running
    assert [one.text for one in person.said] == list("12345678")


@virtual
async def test_cancelling_ends_it_at_once() -> None:
    person = Person(Numbers)
    async with listened(person) as running:
        await person.speak(0.4)
        running.cancel()
        await asyncio.wait({running})
        assert running.cancelled()
