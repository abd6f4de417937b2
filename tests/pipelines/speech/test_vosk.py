import asyncio
import json
import shutil
import threading
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio

from engine.errors import SpeechError
from engine.frames import Audio, Dtmf, Expected, Frame, SpeechEnded, SpeechStarted, Transcript
from engine.link import Link
from pipelines.speech.espeak import synthesise
from pipelines.speech.models import find_model
from pipelines.speech.vosk import VoskModel, VoskSTT
from tests.pipelines.speech.harness import Outbox, serve

pytestmark = pytest.mark.integration

DEMO = find_model("fr", Path("nowhere")).path
CHUNK = 2560


@pytest_asyncio.fixture
async def model() -> AsyncIterator[VoskModel]:
    loaded = VoskModel(DEMO, workers=2)
    await loaded.load()
    yield loaded
    loaded.close()


def utterance(text: str, at: float = 10.0, voice: str = "fr", pause_s: float = 0.25) -> list[Frame]:
    """What the gate makes of `text`."""
    pcm = bytes(4800) + synthesise(text, voice, 150) + bytes(round(32000 * pause_s) & ~1)
    end = at + len(pcm) / 32000
    return [
        SpeechStarted(at, at),
        *(Audio(pcm[i : i + CHUNK], 16000, at + i / 32000) for i in range(0, len(pcm), CHUNK)),
        SpeechEnded(end - pause_s, end),
    ]


def finals(frames: list[Frame]) -> list[str]:
    return [frame.text for frame in frames if isinstance(frame, Transcript) and frame.final]


@pytest.mark.asyncio
@pytest.mark.parametrize("voice", ["fr", "fr+f2", "fr-be+m3"])
@pytest.mark.parametrize(
    ("said", "heard"),
    [
        ("Oui, bonjour, je vous écoute.", "oui bonjour je vous écoute"),
        ("Oui, bonjour.", "oui bonjour"),
        ("Bonjour, j'ai un problème.", "bonjour j'ai un problème"),
        ("J'ai un livret A et une assurance-vie.", "j'ai un livret a et une assurance-vie"),
        (
            "Je ne suis pas satisfait de mon conseiller.",
            "je ne suis pas satisfait de mon conseiller",
        ),
        ("Non merci, au revoir.", "non merci au revoir"),
    ],
)
async def test_words_come_back(model: VoskModel, voice: str, said: str, heard: str) -> None:
    frames = await serve(VoskSTT(model), utterance(said, voice=voice))
    final = frames[-1]
    assert isinstance(final, Transcript)
    assert (final.text, final.final) == (heard, True)
    assert final.confidence is not None
    assert 0.5 < final.confidence <= 1.0


@pytest.mark.asyncio
async def test_partial_results_as_the_words_are_said(model: VoskModel) -> None:
    """Fed at the pace of decoding, so that sound is not gathered into one job."""
    inbox: Link[Frame] = Link()
    outbox = Outbox()
    task = asyncio.create_task(VoskSTT(model).run(inbox, outbox))
    frames = utterance("Je ne suis pas satisfait de mon conseiller.")
    for frame in frames:
        await inbox.put(frame)
        for _ in range(5000):
            await asyncio.sleep(0.001)
            if not model.backlog_s:
                break
    inbox.close()
    await task
    got = [frame for frame in outbox.frames if isinstance(frame, Transcript)]
    texts = [frame.text for frame in got if not frame.final]
    assert len(texts) >= 3
    assert all(a != b for a, b in pairwise(texts))
    assert got[0].at < got[-1].at == frames[-1].decided_at  # type: ignore[union-attr]
    assert outbox.frames[0] == frames[0]
    assert outbox.frames[-2:] == [frames[-1], got[-1]]


@pytest.mark.asyncio
async def test_one_final_for_each_utterance_and_nothing_of_the_last_one(model: VoskModel) -> None:
    frames = [
        *utterance("Oui bien sûr.", 10.0),
        Dtmf("1", 14.0),
        SpeechStarted(15.0, 15.0),
        SpeechEnded(15.1, 15.3),
        *utterance("Non pas vraiment.", 20.0),
    ]
    out = await serve(VoskSTT(model), frames)
    assert finals(out) == ["oui bien sûr", "", "non pas vraiment"]
    passed = [frame for frame in out if not isinstance(frame, Transcript)]
    assert passed == [frame for frame in frames if not isinstance(frame, Audio)]


@pytest.mark.asyncio
async def test_the_recognisers_own_endpointing_does_not_cut_an_utterance(model: VoskModel) -> None:
    first, second = utterance("Oui bien sûr.", pause_s=2.0), utterance("Non pas vraiment.", 20.0)
    out = await serve(VoskSTT(model), [*first[:-1], *second[1:]])
    assert finals(out) == ["oui bien sûr non pas vraiment"]
    partial = [f.text for f in out if isinstance(f, Transcript) and not f.final]
    assert all(text.startswith("oui bien sûr") for text in partial[-1:])


@pytest.mark.asyncio
async def test_silence_and_noise_are_no_words(model: VoskModel) -> None:
    noise = np.random.default_rng(1).normal(0, 800, 32000).astype("<i2").tobytes()
    for pcm in (bytes(64000), noise):
        frames: list[Frame] = [SpeechStarted(1.0, 1.0), Audio(pcm, 16000, 1.0), SpeechEnded(2, 3)]
        (final,) = (f for f in await serve(VoskSTT(model), frames) if isinstance(f, Transcript))
        assert (final.text, final.final, final.confidence) == ("", True, None)


PHRASES = (
    "oui",
    "non",
    "non merci",
    "rappelez-moi plus tard",
    "ne m'appelez plus",
    "je ne veux plus être appelé",
)


async def chosen(model: VoskModel, said: str) -> Transcript:
    frames = await serve(VoskSTT(model), [Expected(PHRASES), *utterance(said)])
    final = frames[-1]
    assert isinstance(final, Transcript)
    return final


@pytest.mark.asyncio
@pytest.mark.parametrize("said", ["Oui.", "Non merci.", "Ne m'appelez plus."])
async def test_what_is_expected_is_heard_as_such(model: VoskModel, said: str) -> None:
    final = await chosen(model, said)
    assert final.text == said.lower().strip(".")
    assert final.confidence is not None


@pytest.mark.asyncio
async def test_an_answer_that_says_more_is_heard_as_a_whole(model: VoskModel) -> None:
    said = "Oui, je voudrais un rendez-vous demain matin."
    (free,) = finals(await serve(VoskSTT(model), utterance(said)))
    assert (await chosen(model, said)).text == free
    assert "rendez-vous demain matin" in free


@pytest.mark.asyncio
@pytest.mark.parametrize("said", ["Bidule.", "Parapluie.", "Les tomates poussent en hiver."])
async def test_what_is_none_of_it_is_no_wrong_yes(model: VoskModel, said: str) -> None:
    final = await chosen(model, said)
    assert not {"oui", "non"} & set(final.text.split())


@pytest.mark.asyncio
async def test_what_is_expected_counts_for_one_utterance(model: VoskModel) -> None:
    said = utterance("Je ne suis pas satisfait de mon conseiller.", 20.0)
    frames = [Expected(PHRASES), *utterance("Non merci."), *said]
    texts = finals(await serve(VoskSTT(model), frames))
    assert texts == ["non merci", "je ne suis pas satisfait de mon conseiller"]


@pytest.mark.asyncio
async def test_words_the_model_does_not_have_are_named(model: VoskModel) -> None:
    phrases = ("oui", "un hippopotame", "bonjour")
    assert model.unknown_words(phrases) == ["hippopotame"]
    made = model.grammar(phrases)
    assert made is not None
    assert json.loads(made) == ["oui", "bonjour", "[unk]"]
    assert model.grammar(phrases) is made
    assert model.grammar(("hippopotame",)) is None
    assert model.grammar(()) is None


@pytest.mark.asyncio
async def test_calls_do_not_mix_and_are_decoded_at_once(model: VoskModel) -> None:
    lines = {"Oui bien sûr.": "oui bien sûr", "Non pas vraiment.": "non pas vraiment"}
    got = await asyncio.gather(
        *(serve(VoskSTT(model), utterance(line)) for line in lines for _ in range(4))
    )
    assert [finals(frames) for frames in got] == [
        [text] for text in lines.values() for _ in range(4)
    ]
    assert model.backlog_s == 0.0


class Busy:
    """A stream that holds the only thread."""

    waiting_s = 0.0
    came = None

    def __init__(self) -> None:
        self.due: float | None = 0.0
        self.go = threading.Event()

    def step(self) -> None:
        self.due = None
        self.go.wait(10.0)


@pytest.mark.asyncio
async def test_what_waits_is_backlog_and_the_loop_goes_on() -> None:
    model = VoskModel(DEMO, workers=1)
    await model.load()
    busy = Busy()
    model.decoder.add(busy)
    model.decoder.wake(busy)
    inbox: Link[Frame] = Link()
    for frame in utterance("Oui bien sûr."):
        inbox.offer(frame)
    given_s = sum(f.duration_s for f in utterance("Oui bien sûr.") if isinstance(f, Audio))
    outbox = Outbox()
    task = asyncio.create_task(VoskSTT(model).run(inbox, outbox))
    await outbox.until(2)
    await asyncio.sleep(0)
    assert model.backlog_s == pytest.approx(given_s, abs=0.01)
    busy.go.set()
    inbox.close()
    await task
    assert finals(outbox.frames) == ["oui bien sûr"]
    assert model.backlog_s == 0.0
    model.close()


@pytest.mark.asyncio
async def test_a_long_backlog_does_not_keep_a_short_answer_waiting() -> None:
    model = VoskModel(DEMO, workers=1)
    await model.load()
    order: list[str] = []

    async def call(name: str, frames: list[Frame]) -> None:
        await serve(VoskSTT(model), frames)
        order.append(name)

    long = utterance("Je ne suis pas satisfait de mon conseiller. " * 3)
    async with asyncio.TaskGroup() as group:
        group.create_task(call("long", long))
        group.create_task(call("short", utterance("Oui bien sûr.")))
    assert order == ["short", "long"]
    model.close()


@pytest.mark.asyncio
async def test_cancelling_leaves_the_model_usable(model: VoskModel) -> None:
    inbox: Link[Frame] = Link(1024)
    for frame in utterance("Je ne suis pas satisfait de mon conseiller. " * 5)[:-1]:
        inbox.offer(frame)
    task = asyncio.create_task(VoskSTT(model).run(inbox, Outbox()))
    await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.wait({task})
    assert task.cancelled()
    assert model.backlog_s == 0.0
    assert finals(await serve(VoskSTT(model), utterance("Oui bien sûr."))) == ["oui bien sûr"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    path = tmp_path / "copy"
    shutil.copytree(DEMO, path)
    return path


@pytest.mark.asyncio
@pytest.mark.parametrize("broken", ["am/final.mdl", "graph/Gr.fst", "graph/words.txt"])
async def test_a_broken_model_says_what_to_run(copy: Path, broken: str) -> None:
    (copy / broken).write_bytes((copy / broken).read_bytes()[:1000])
    if broken == "graph/words.txt":
        (copy / broken).unlink()
    model = VoskModel(copy)
    with pytest.raises(SpeechError, match="is broken; run `palabre models check`"):
        await model.load()
    model.close()


@pytest.mark.asyncio
async def test_a_missing_model_says_what_to_run(tmp_path: Path) -> None:
    model = VoskModel(tmp_path / "none")
    with pytest.raises(SpeechError, match=r"is not there; .* `palabre models fetch`"):
        await model.load()
    with pytest.raises(SpeechError, match="not loaded"):
        await serve(VoskSTT(model), utterance("Oui."))
    model.close()


@pytest.mark.asyncio
async def test_loading_twice_reads_once() -> None:
    model = VoskModel(DEMO)
    await asyncio.gather(model.load(), model.load())
    model.close()
