from collections.abc import Sequence

import numpy as np
import pytest

from bench.accuracy.conditions import CONDITIONS, Samples, leveled
from bench.accuracy.measure import Share, Spoken, measure
from bench.accuracy.speakers import Speech
from bench.accuracy.systems import Recogniser
from engine.frames import Audio, Expected, Frame, SpeechEnded, Transcript
from engine.link import Link
from engine.stage import Outlet
from pipelines.speech.corpus import Outside

pytestmark = pytest.mark.asyncio

CHOICE = Outside("yes_no", ("oui", "non"), ("bonjour", "au revoir"))
HEARD = {1: "oui", 2: "non", 3: "un livret et un pel", 4: "bonjour", 5: ""}


def said(text: str, tenths: int) -> tuple[Speech, Samples]:
    """Speech that a `Listener` recognises by its length."""
    pcm = b"\x00\x10" * (1600 * tenths)
    return Speech(text, "somebody", pcm), leveled(pcm)


def tenths(size: int) -> int:
    return round((size / 32000 - 0.34) * 10)


class Listener:
    """Hears what `HEARD` has for a length of sound."""

    async def run(self, inbox: Link[Frame], outbox: Outlet) -> None:
        size = 0
        async for frame in inbox:
            match frame:
                case Audio(pcm=pcm):
                    size += len(pcm)
                case SpeechEnded(decided_at=at):
                    await outbox.put(Transcript(HEARD[tenths(size)], True, at))
                    size = 0
                case Expected():
                    pass


def closed(phrases: Sequence[str], sounds: Sequence[bytes]) -> list[str]:
    texts = [HEARD[tenths(len(pcm))] for pcm in sounds]
    return [text if text in phrases else "" for text in texts]


async def test_a_row() -> None:
    spoken = Spoken(
        "somebody",
        [said("un livret a et un pel", 3), said("oui", 1)],
        [said("oui", 2)],
        {CHOICE: [said("oui", 1), said("non", 1)]},
        {CHOICE: [said("bonjour", 4), said("au revoir", 2)]},
    )
    made = Recogniser(Listener, 2, lambda: 0.0, closed, lambda word: word != "pel")
    row = await measure(
        "some", made, spoken, CONDITIONS[0], np.ones(16000), language="fr", seed=1, closed=True
    )
    assert (row.open.words, row.open.errors) == (7, 1)
    assert row.open.wer_percent == pytest.approx(100 / 7)
    assert (row.known.words, row.known.errors) == (1, 0)
    assert row.commands.wer_percent == 100.0
    assert row.wrong == [
        ("somebody", "un livret a et un pel", "un livret et un pel"),
        ("somebody", "oui", "non"),
    ]
    assert row.closed == Share(1, 2)
    assert row.rejected == Share(1, 2)
    assert row.choice == Share(1, 2)
    assert row.mistaken == Share(1, 2)
    document = row.as_json()
    assert document["known_words_wer_percent"] == 0.0
    assert document["rejected_percent"] == 50.0


async def test_without_grammars_nothing_is_said_of_them() -> None:
    spoken = Spoken("somebody", [said("oui", 1)], [], {CHOICE: [said("oui", 1)]})
    made = Recogniser(Listener, 1, lambda: 0.0)
    row = await measure(
        "some", made, spoken, CONDITIONS[1], np.ones(16000), language="fr", seed=1, closed=True
    )
    assert row.open.errors == 0
    assert row.closed.percent is None
    assert row.commands.wer_percent is None
    assert row.as_json()["final_ms"] == {
        "count": 0, "p50": None, "p95": None, "p99": None, "max": None
    }  # fmt: skip


async def test_times_are_kept_where_sound_has_its_own_pace() -> None:
    spoken = Spoken("somebody", [said("oui", 1)])
    row = await measure(
        "some",
        Recogniser(Listener, 1),
        spoken,
        CONDITIONS[0],
        np.ones(16000),
        language="fr",
        seed=1,
        closed=True,
    )
    assert row.final_ms.count == 1
