"""A real call is recorded, from the caller's yes to its end."""

from __future__ import annotations

import asyncio
import wave
from pathlib import Path

import numpy as np
import pytest

from bench.asterisk import Asterisk
from bench.sip.stream import Samples
from tests.asterisk import asterisk, asterisk_home, asterisk_instance
from tests.server.asterisk.calls import TONE_HZ, answered, eventually, tone_ms
from tests.server.asterisk.engine import controlling

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]

pytestmark = [pytest.mark.integration, pytest.mark.asyncio]

SCENARIO = """\
name: recorded
languages: [fr]
start: ask
silence: gone
steps:
  ask:
    answers: {yes: talk, no: gone}
    keys: {"1": yes, "2": no}
    retries: 1
    then: gone
  talk:
    answers: {no: gone}
    otherwise: talk
    recording: start
  gone: {hangup: completed}
"""
WORDS = """\
language: fr
lines:
  ask: {say: "Peut-on enregistrer ?", again: "Oui ou non ?", silence: "Allô ?"}
  talk: {say: Parlez., silence: "Allô ?"}
  gone: Au revoir.
intents:
  yes: {means: agrees, examples: [oui, bien sûr, volontiers]}
  no: {means: disagrees, examples: [non, surtout pas, je ne veux pas]}
"""


def hum(hz: float, seconds: float) -> Samples:
    at = np.arange(int(seconds * 8000)) / 8000
    return (8000 * np.sin(2 * np.pi * hz * at)).astype(np.int16)


def share(sound: np.ndarray[tuple[int], np.dtype[np.int16]], hz: float) -> float:
    """How much of the sound's power is within 20 Hz of a pitch."""
    power = np.abs(np.fft.rfft(sound.astype(float))) ** 2
    near = np.abs(np.fft.rfftfreq(sound.size, 1 / 16000) - hz) < 20
    return float(power[near].sum() / power.sum())


async def test_both_sides_are_recorded_after_a_yes_and_not_before(
    asterisk: Asterisk, tmp_path: Path
) -> None:
    (tmp_path / "fr.yaml").write_text(WORDS, encoding="utf-8")
    (tmp_path / "scenario.yaml").write_text(SCENARIO, encoding="utf-8")
    folder = tmp_path / "recordings"
    async with (
        controlling(
            asterisk, scenario=str(tmp_path / "scenario.yaml"), recordings=folder
        ) as engine,
        answered(asterisk, "300") as caller,
    ):
        await eventually(lambda: tone_ms(caller) > 500)
        assert not folder.exists()
        caller.mouth.press("1")
        await eventually(folder.exists, "a recording")
        caller.mouth.say(hum(1000, 1.0))
        await asyncio.sleep(1.2)
        before = tone_ms(caller)
        await eventually(lambda: tone_ms(caller) > before + 500, "an answer")
        caller.hang_up()
        await eventually(lambda: not engine.calls.running)
        await eventually(lambda: engine.admission.active == 0)
    (path,) = folder.iterdir()
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate()) == (2, 16000)
        sound = np.frombuffer(file.readframes(file.getnframes()), np.int16).reshape(-1, 2)
    assert share(sound[:, 0], 1000) > 0.8
    assert share(sound[:, 1], TONE_HZ) > 0.8
