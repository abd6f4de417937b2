"""The card that lies beside the model: what it is, what it learnt from, how well it hears."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Facts", "write_card"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the training knows of its own work."""

    language: str
    hours: float
    """Of speech, before it was augmented."""
    voices: int
    unseen_voices: int
    respoken: float
    parameters: int
    pdfs: int
    words: int
    epochs: int
    seed: int
    error_rates: Mapping[str, float]
    """Word error rates in percent, by what was heard."""


_NAMES = {"fr": "French", "en": "English"}


def write_card(folder: Path, facts: Facts) -> None:
    """Write ``MODEL_CARD.md`` in the model's `folder`."""
    size_mb = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    rates = "\n".join(f"| {name} | {rate:.1f} % |" for name, rate in facts.error_rates.items())
    others = (
        f"; {100 * facts.respoken:.0f} % of the calls by a formant synthesiser of the project's "
        "own, each by a speaker drawn for it"
    )
    table = {
        "Format": "Vosk 0.3.45, lookahead layout; runtime grammars and `[unk]` work",
        "Size": f"{size_mb:.1f} MB",
        "Acoustic model": f"factored time-delay network, {facts.parameters / 1e6:.2f} M "
        f"parameters, 16 MFCC, {facts.pdfs} pdfs every 30 ms",
        "Vocabulary": f"{facts.words} words; `palabre models build` adds a scenario's own",
        "Learnt from": f"{facts.hours:.1f} h of speech synthesised by `palabre models train`, "
        f"heard {facts.epochs} times with other noise, rooms, telephones and vocal tracts",
        "Voices": f"espeak-ng: {facts.voices} stock and randomly drawn variants, "
        f"{facts.unseen_voices} more kept out, and for most calls a variant that no other has"
        f"{others if facts.respoken else ''}",
        "Sentences": "written for the project (`pipelines/speech/corpus`), and words in random "
        "order or that do not exist",
        "Human speech": "none",
        "Seed": f"{facts.seed}",
        "Licence": "that of the project, Apache-2.0",
    }
    rows = "\n".join(f"| {name} | {value} |" for name, value in table.items())
    text = f"""# vosk-{facts.language}-demo

A small recogniser for {_NAMES[facts.language]}, so that the engine can be tried, tested and
measured without a download. It has learnt synthetic voices only: it is not for real callers.

| | |
|---|---|
{rows}

## How well it hears

Word error rate at the end of training, on sentences and voices kept out of it:

| heard | wrong |
|---|---|
{rates}

Voices of other kinds, people, rejection and speed: `python -m bench accuracy`, and
docs/bench/accuracy.md.

With people it fails. Install a real model: `palabre models fetch {facts.language}`; it then takes
this one's place by itself. Wherever transcripts of the demo appear, a notice says so.
"""
    (folder / "MODEL_CARD.md").write_text(text, encoding="utf-8")
