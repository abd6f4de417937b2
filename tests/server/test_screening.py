"""Who answered, on a call: what is told to the conversation, and what the conversation hears."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from engine.clock import LoopClock
from engine.flow import Signal
from engine.frames import Audio, Dtmf, Frame, Hangup, Transcript
from pipelines.audio.ticker import Ticker
from pipelines.voice import VoiceCall
from scenarios.script import load
from server.screening import LATE_S, Screening
from telephony.amd.waiting import QUIET_S
from tests.scenarios.test_reading import SCENARIO, WORDS, written
from tests.telephony.amd.sounds import Sound, frames, line, silence, tone, voice
from tests.virtual import virtual

HELLO = (silence(0.5), voice(0.5), silence(2.0))
GREETING = (silence(0.5), voice(5.0), silence(0.5))
BEEP = (tone(1000, seconds=0.4), silence(1.0))


class Line:
    """A screened call of the scenario in `folder`, in the running loop's time."""

    def __init__(self, folder: Path, policy: str, *, answered: bool = True) -> None:
        words = f"{WORDS}voicemail: Call us.\n" if policy == "message" else WORDS
        script = load(written(folder, f"{SCENARIO}voicemail: {policy}\n", words))
        self.told: list[Signal] = []
        self.clock = LoopClock()
        self.ticker = Ticker(self.clock)
        self.screening = Screening(script, self.ticker)
        session = SimpleNamespace(deliver=self.told.append)
        call = cast("VoiceCall", SimpleNamespace(session=session))
        self.heard: list[Frame] = []
        if answered:
            self.screening.started(call, self.clock.now())

    async def hears(self, *parts: Sound) -> None:
        """Sound comes in, as it is made."""
        for frame in frames(line(*parts)):
            await asyncio.sleep(0.02)
            self.comes(Audio(frame.pcm, frame.rate_hz, self.clock.now() - 0.02))

    def comes(self, frame: Frame) -> None:
        if self.screening.hear(frame):
            self.heard.append(frame)

    @property
    def names(self) -> list[Any]:
        return [signal.data.get("verdict", signal.name) for signal in self.told]


@virtual
async def test_a_person_is_told_and_heard(tmp_path: Path) -> None:
    call = Line(tmp_path, "message")
    await call.hears(*HELLO)
    (signal,) = call.told
    assert signal.name == "amd"
    assert signal.data["verdict"] == "human"
    assert signal.data["evidence"]
    assert len(call.heard) == 150
    assert call.screening.answered_by == "human"
    call.screening.close()


@virtual
async def test_after_the_verdict_a_voicemail_is_not_heard_and_its_beep_is_told(
    tmp_path: Path,
) -> None:
    call = Line(tmp_path, "message")
    await call.hears(*GREETING)
    call.screening.watch(Transcript("please leave a message", True, call.clock.now()))
    assert call.names == ["voicemail"]
    before = len(call.heard)
    call.comes(Dtmf("1", call.clock.now()))
    await call.hears(*BEEP)
    assert call.names == ["voicemail", "beep"]
    assert call.told[-1].data == {"heard": True, "length_s": pytest.approx(0.4, abs=0.05),
                                  "hz": 1000}  # fmt: skip
    assert len(call.heard) == before + 1  # the key
    assert len(call.ticker) == 0
    await call.hears(*BEEP)  # of a recorder that is full
    assert call.names == ["voicemail", "beep"]


@virtual
async def test_a_beep_that_tells_of_a_voicemail_is_the_one_to_speak_after(tmp_path: Path) -> None:
    call = Line(tmp_path, "message")
    await call.hears(*GREETING, *BEEP)
    assert call.names[-2:] == ["voicemail", "beep"]


@virtual
async def test_where_no_beep_comes_silence_is_one(tmp_path: Path) -> None:
    call = Line(tmp_path, "message")
    await call.hears(*GREETING)
    call.screening.watch(Transcript("please leave a message", True, call.clock.now()))
    await call.hears(silence(QUIET_S))
    assert call.told[-1].data == {"heard": False, "why": "silence"}
    await call.hears(*BEEP)  # late, but this is where the recording begins
    assert call.told[-1].data["heard"]


@virtual
async def test_where_no_sound_comes_at_all_silence_is_one(tmp_path: Path) -> None:
    call = Line(tmp_path, "message")
    await call.hears(*GREETING)
    call.screening.watch(Transcript("please leave a message", True, call.clock.now()))
    await asyncio.sleep(QUIET_S + LATE_S + 0.2)
    assert call.told[-1].data == {"heard": False, "why": "silence"}
    call.screening.close()


@virtual
async def test_who_hangs_up_on_voicemails_needs_no_deaf_ears(tmp_path: Path) -> None:
    call = Line(tmp_path, "hangup")
    await call.hears(*GREETING, *BEEP)
    assert call.names[-2:] == ["voicemail", "beep"]
    assert len(call.heard) == 370
    call.screening.close()


@virtual
async def test_without_sound_from_the_answer_on_somebody_is_silent(tmp_path: Path) -> None:
    call = Line(tmp_path, "hangup")
    await asyncio.sleep(6)
    assert call.names == ["silence"]
    call.screening.close()


@virtual
async def test_before_the_answer_only_the_network_speaks_and_nobody_is_told(tmp_path: Path) -> None:
    call = Line(tmp_path, "hangup", answered=False)
    await call.hears(*[tone(hz, seconds=0.33) for hz in (950, 1400, 1800)], silence(0.5))
    assert call.screening.answered_by == "network"
    assert call.told == []
    assert len(call.ticker) == 0


@virtual
async def test_asterisks_own_verdict_counts(tmp_path: Path) -> None:
    call = Line(tmp_path, "hangup")
    decided: list[str] = []
    call.screening.when_decided(lambda: decided.append(call.screening.answered_by))
    await call.hears(silence(0.5), voice(0.5), silence(0.4))
    assert call.names == []
    assert decided == []
    call.screening.asterisk("HUMAN", "HUMAN-800-800", call.clock.now())
    assert call.names == decided == ["human"]
    (signal,) = call.told
    evidence = {one["witness"]: one for one in signal.data["evidence"]}
    assert evidence["asterisk"]["says"] == "AMD HUMAN HUMAN"
    call.screening.close()


@virtual
async def test_it_ends_with_the_call_and_by_itself(tmp_path: Path) -> None:
    call = Line(tmp_path, "hangup")
    await call.hears(*HELLO)
    call.comes(Hangup("caller"))
    assert len(call.ticker) == 0
    call.screening.close()
    assert isinstance(call.heard[-1], Hangup)
    call.screening.watch(Transcript("voicemail", True, 4.0))
    call.screening.asterisk("MACHINE", "", 4.0)
    call.comes(next(frames(voice(0.02), at=4.0)))
    assert call.names == ["human"]
    other = Line(tmp_path, "hangup")
    await asyncio.sleep(60)
    assert len(other.ticker) == 0
