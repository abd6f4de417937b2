"""The first fifth of a second of speech over ours, by the demo recogniser."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from engine.errors import SpeechError
from pipelines.speech.early import EarlyEar, verdict
from pipelines.speech.espeak import synthesise
from pipelines.speech.hearing import Heard
from pipelines.speech.models import find_model
from pipelines.speech.vosk import VoskModel
from pipelines.turns.barge_in import OTHER, BargeIn

pytestmark = pytest.mark.integration

BACKCHANNELS = ["oui", "ok", "d'accord", "voilà", "ah", "bon", "très bien", "ah bon", "oui oui"]
STOP_WORDS = ["stop", "attendez", "pardon", "arrêtez", "non"]
RULES = BargeIn.of(BACKCHANNELS, STOP_WORDS)


@pytest_asyncio.fixture
async def model() -> AsyncIterator[VoskModel]:
    loaded = VoskModel(find_model("fr", Path("nowhere")).path, workers=1)
    await loaded.load()
    yield loaded
    loaded.close()


VOICES = ("fr+f3", "fr+m8", "fr+boris", "fr+gustave")
"""The recogniser was not trained with them."""


def beginning(text: str, seconds: float = 0.22, voice: str = "fr+f3") -> bytes:
    """The line before it, and its first moments."""
    sound = np.frombuffer(synthesise(text, voice), "<i2").astype(np.float64)
    first = np.flatnonzero(np.abs(sound) > 0.04 * np.abs(sound).max())[0]
    heard = sound[first : first + round(seconds * 16000)] * 0.3
    return np.concatenate([np.zeros(2240), heard]).astype("<i2").tobytes()


async def heard(model: VoskModel, pcm: bytes) -> str:
    told = asyncio.get_running_loop().create_future()
    EarlyEar(model, BACKCHANNELS, STOP_WORDS, "fr")(pcm, told.set_result)
    async with asyncio.timeout(10):
        return str(await told)


@pytest.mark.parametrize(
    ("heard", "said"),
    [
        (Heard(), ""),
        (Heard(unknown=True), OTHER),
        (Heard("oui", 0.9), "oui"),
        (Heard("oui", 0.9, unknown=True), f"oui {OTHER}"),
        (Heard("oui", 0.5), f"oui {OTHER}"),
        (Heard("hum", 0.81), f"hum {OTHER}"),  # it is "stop"
        (Heard("d'accord", 0.84), f"d'accord {OTHER}"),  # it is "attendez"
        (Heard("d'accord", 0.9), "d'accord"),
    ],
)
def test_words_that_are_not_sure_are_other_words(heard: Heard, said: str) -> None:
    assert verdict(heard) == said


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("texts", "takes_the_turn", "least"),
    [
        (("oui", "oui oui", "d'accord", "très bien", "ok"), False, 13),
        (
            ("attendez", "stop", "je n'ai pas le temps", "pardon", "c'est une erreur", "non merci"),
            True,
            23,
        ),
    ],
)
async def test_a_backchannel_is_told_from_an_interruption_before_it_is_over(
    model: VoskModel, texts: tuple[str, ...], takes_the_turn: bool, least: int
) -> None:
    said = [await heard(model, beginning(text, 0.22, voice)) for text in texts for voice in VOICES]
    right = [bool(RULES.content(text, None)) is takes_the_turn for text in said]
    assert sum(right) >= least, said


@pytest.mark.asyncio
async def test_a_cough_is_no_word(model: VoskModel) -> None:
    chance = np.random.default_rng(1)
    cough = chance.standard_normal(3520) * np.exp(-np.arange(3520) / 1200) * 3000
    pcm = np.concatenate([np.zeros(2240), np.convolve(cough, np.ones(8) / 8, "same")])
    assert await heard(model, pcm.astype("<i2").tobytes()) == ""


class _Broken(VoskModel):
    def hearing(self, phrases: tuple[str, ...]) -> object:  # type: ignore[override]
        raise SpeechError("no recogniser")


@pytest.mark.asyncio
async def test_of_what_cannot_be_recognised_nothing_is_told() -> None:
    model = _Broken(Path("nowhere"), workers=1)
    told: list[str] = []
    EarlyEar(model, BACKCHANNELS, STOP_WORDS, "xx")(b"", told.append)
    await asyncio.sleep(0.1)
    model.close()
    assert told == []
    assert model.backlog_s == 0.0
