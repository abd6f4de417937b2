"""A whole model: speech, network, graph, figures and card."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from pipelines.speech.corpus import sentences, vocabulary
from pipelines.speech.kaldi.build import build_graph
from pipelines.speech.training import voices
from pipelines.speech.training.card import Facts, write_card
from pipelines.speech.training.dataset import Dataset, load
from pipelines.speech.training.export import write_acoustic
from pipelines.speech.training.measure import error_rates
from pipelines.speech.training.run import Progress, Settings, learn
from pipelines.workers import pool

__all__ = ["make"]


def make(
    settings: Settings,
    folder: Path,
    target: Path,
    on_step: Callable[[str], None] = lambda step: None,
    on_progress: Callable[[Progress], None] = lambda progress: None,
) -> Facts:
    """Train the model of `settings` and write it to `target`, which is replaced once all is done.

    `folder` keeps what was done so far, some 3 GB: after a kill the same call goes on from there.
    Runs processes of its own and takes about half an hour on two cores.
    """
    language = settings.language
    dataset = Dataset(
        folder, language, settings.shards, settings.seed, respoken=settings.respoken,
        calls=settings.calls,
    )  # fmt: skip
    key = hashlib.sha256(f"{settings} {dataset.paths[0].name}".encode()).hexdigest()[:12]
    with _workers() as workers:
        on_step("speech")
        for number, _ in enumerate(dataset.synthesise(workers), 1):
            on_step(f"speech, {number} of {settings.shards} parts")
        on_step("network")
        trained = learn(settings, dataset, folder / f"network-{key}.npz", workers, on_progress)
        draft = folder / f"model-{key}"
        shutil.rmtree(draft, ignore_errors=True)
        write_acoustic(draft, trained.network, trained.counts, trained.cepstra, language)
        on_step("graph")
        known = vocabulary(language)
        said = islice(sentences(language, settings.seed), settings.sentences)
        build_graph(draft / "graph", language, said, known)
        on_step("word error rates")
        job = workers.submit(error_rates, draft, folder, language, settings.seed, settings.measured)
        rates = job.result()
    speakers = voices.voices()
    samples = sum(len(call.samples) for path in dataset.paths for call in load(path))
    facts = Facts(
        language,
        samples / 16_000 / 3600,
        sum(not voice.unseen for voice in speakers),
        sum(voice.unseen for voice in speakers),
        settings.respoken,
        trained.network.size,
        len(trained.counts),
        len(known),
        settings.epochs,
        settings.seed,
        rates,
    )
    write_card(draft, facts)
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(draft, target)
    return facts


@contextmanager
def _workers() -> Iterator[Executor]:
    """One for each core but that of the matrix products. Where this fails or is stopped, what they
    have not begun is dropped."""
    with pool(max(1, (os.cpu_count() or 2) - 1)) as workers:
        try:
            yield workers
        except BaseException:
            workers.shutdown(wait=False, cancel_futures=True)
            raise
