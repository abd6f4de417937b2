from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from pipelines.speech.espeak import synthesise
from pipelines.speech.training import make as module
from pipelines.speech.training.augment import Recipe
from pipelines.speech.training.make import make
from pipelines.speech.training.run import Progress, Settings

pytestmark = pytest.mark.integration

LINES = ("oui bonjour", "non merci", "je voudrais un livret", "oui un livret")

SMALL = Settings(
    shards=2, calls=3, epochs=1, width=24, bottleneck=8, sequences=4, steps=16, group=2,
    sentences=40, measured=2, recipe=Recipe(),
)  # fmt: skip


@pytest.fixture(autouse=True)
def few_words(monkeypatch: pytest.MonkeyPatch) -> None:
    def sentences(language: str, seed: int) -> Iterator[str]:
        return cycle(LINES)

    def vocabulary(language: str) -> tuple[str, ...]:
        return tuple(sorted({word for line in LINES for word in line.split()}))

    monkeypatch.setattr(module, "sentences", sentences)
    monkeypatch.setattr(module, "vocabulary", vocabulary)


def test_from_nothing_to_what_vosk_reads_and_again_from_what_is_there(tmp_path: Path) -> None:
    import vosk

    told: list[Progress] = []
    facts = make(SMALL, tmp_path / "work", tmp_path / "model", on_progress=told.append)
    assert [(progress.done, progress.total) for progress in told] == [(1, 1)]
    assert set(facts.error_rates) == {
        f"{kind}, {line}"
        for kind in ("sentences", "short commands")
        for line in ("16 kHz", "8 kHz mu-law")
    }
    card = (tmp_path / "model" / "MODEL_CARD.md").read_text("utf-8")
    assert "not for real callers" in card
    assert "| Human speech | none |" in card

    vosk.SetLogLevel(-1)
    recogniser = vosk.KaldiRecognizer(vosk.Model(str(tmp_path / "model")), 16_000)
    recogniser.AcceptWaveform(synthesise("oui bonjour") + bytes(16_000))
    text = json.loads(recogniser.FinalResult())["text"]
    assert set(text.split()) <= {word for line in LINES for word in line.split()}

    written = (tmp_path / "model" / "am" / "final.mdl").read_bytes()
    told.clear()
    make(SMALL, tmp_path / "work", tmp_path / "model", on_progress=told.append)
    assert not told  # all of it was there
    assert (tmp_path / "model" / "am" / "final.mdl").read_bytes() == written


def test_vosk_computes_what_was_trained(tmp_path: Path) -> None:
    """The network as Vosk runs it on a sound tells apart what ours does: a model whose only
    difference is one output's bias prefers that output."""
    import vosk

    from pipelines.speech.kaldi.build import build_graph
    from pipelines.speech.kaldi.phones import PHONES
    from pipelines.speech.training import features
    from pipelines.speech.training.export import write_acoustic
    from pipelines.speech.training.network import Network
    from pipelines.speech.training.run import architecture

    vosk.SetLogLevel(-1)
    network = Network(features.CEPSTRA, architecture("fr", 24, 8))
    counts = np.ones(2 * len(PHONES["fr"]), np.int64)
    mean = np.zeros((1, features.CEPSTRA), np.float32)
    build_graph(tmp_path / "graph", "fr", ["oui", "non"])
    heard = {}
    for word, phones in (("oui", "wi"), ("non", ("n", "O~"))):
        network.layers[-1].bias[:] = 0
        for phone in phones:
            index = 2 * PHONES["fr"].index(phone)
            network.layers[-1].bias[index : index + 2] = 20
        write_acoustic(tmp_path, network, counts, mean, "fr")
        recogniser = vosk.KaldiRecognizer(vosk.Model(str(tmp_path)), 16_000)
        recogniser.AcceptWaveform(synthesise("bonjour") + bytes(16_000))
        heard[word] = json.loads(recogniser.FinalResult())["text"].split()
    assert set(heard["oui"]) == {"oui"}
    assert set(heard["non"]) == {"non"}
