"""Calls that a machine answers, through a real Asterisk: what is told, and what is left on it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from bench.asterisk import Asterisk
from bench.sip.agent import Agent, Taken
from bench.sip.call import Call
from engine.store import StoredEvent
from server.asterisk.outbound import CallResult
from storage.journal import JournalStore
from telephony.asterisk.outcome import Outcome
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import tones
from tests.server.asterisk.engine import controlling
from tests.telephony.amd.sounds import Sound, line, silence, tone, voice

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

PATIENCE_S = 60.0
GREETING = (silence(0.4), voice(4.0), silence(0.4), tone(1000, seconds=0.5), silence(12.0))
GREETING_S = 5.3
SIT = tuple(tone(hz, seconds=0.33) for hz in (950, 1400, 1800))

MESSAGE = "Vous avez commandé un lit, il est arrivé au magasin. Rappelez-nous pour en convenir."
"""``--speech null`` says its longest for it: three seconds (server/voices.py)."""

SCENARIO = """\
name: recorded
languages: [{language}]
start: ask
silence: gone
voicemail: {policy}
steps:
  ask: {{otherwise: ask}}
  gone: {{hangup: silence}}
"""
WORDS = """\
language: {language}
lines:
  ask: {{say: "Êtes-vous là ?", silence: "Allô ?"}}
  gone: Au revoir.
"""


def scenario(folder: Path, policy: str, language: str = "fr") -> str:
    """Every far end is understood to say « oui bonjour » (``--speech null``): a person's first
    words, except in English."""
    words = WORDS.format(language=language)
    words += f"voicemail: {MESSAGE}\n" if policy == "message" else ""
    (folder / f"{language}.yaml").write_text(words, encoding="utf-8")
    path = folder / "scenario.yaml"
    path.write_text(SCENARIO.format(policy=policy, language=language), encoding="utf-8")
    return str(path)


def sound(*parts: Sound) -> np.ndarray:
    return (np.clip(line(*parts), -1, 1) * 32767).astype("<i2")


@asynccontextmanager
async def placed(
    asterisk: Asterisk, folder: Path, policy: str, taken: Taken, language: str = "fr"
) -> AsyncIterator[tuple[CallResult, list[StoredEvent]]]:
    """A call that `taken` takes, to its end; and its session's log."""
    settings = {"scenario": scenario(folder, policy, language), "journal": folder / "log"}
    async with (
        asyncio.timeout(PATIENCE_S),
        controlling(asterisk, **settings) as engine,
        Agent(port=asterisk.ports.far_end, taken=taken),
    ):
        assert engine.asterisk is not None
        result = await engine.asterisk.outbound.place("+33199000001")
    yield result, await JournalStore(folder / "log").read(result.session_id)


async def test_a_message_is_left_after_the_beep(asterisk: Asterisk, tmp_path: Path) -> None:
    calls: list[Call] = []

    async def taken(call: Call) -> None:
        calls.append(call)
        call.answer()
        call.mouth.say(sound(*GREETING))
        await call.ended()

    async with placed(asterisk, tmp_path, "message", taken) as (result, log):
        assert (result.outcome, result.reason) == (Outcome.ANSWERED, "voicemail")
        assert result.answered_by == "voicemail"
    (call,) = calls
    assert call.answered_at is not None
    after = [
        ours
        for (_, at), ours in zip(_arrivals(call), tones(call), strict=True)
        if at - call.answered_at > GREETING_S
    ]
    assert sum(after) * 0.02 > 2.5  # the whole line: three seconds of it are made
    names = [event.name for event in log]
    assert names.index("amd") < names.index("beep") < names.index("session.closed")
    amd = [event.data for event in log if event.name == "amd"][-1]
    assert amd["verdict"] == "voicemail"
    assert any(one["witness"] == "beep" for one in amd["evidence"])


def _arrivals(call: Call) -> list[tuple[int, float]]:
    return [(index, at) for index, (at, _) in enumerate(call.ear.packets)]


async def test_a_voicemail_is_hung_up_on(asterisk: Asterisk, tmp_path: Path) -> None:
    async def taken(call: Call) -> None:
        call.answer()
        call.mouth.say(sound(*GREETING))
        await call.ended()

    async with placed(asterisk, tmp_path, "hangup", taken) as (result, _):
        assert (result.reason, result.answered_by) == ("voicemail", "voicemail")
        assert result.duration_s < GREETING_S + 3


async def test_what_the_network_says_before_the_answer_is_heard(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    async def taken(call: Call) -> None:
        call.early()
        call.mouth.say(sound(silence(0.3), *SIT, silence(0.2), voice(1.5)))
        await asyncio.sleep(3.5)
        call.refuse(404)

    async with placed(asterisk, tmp_path, "hangup", taken) as (result, log):
        assert result.outcome is Outcome.UNKNOWN_NUMBER
        assert result.answered_by == "network"
        assert log == []
