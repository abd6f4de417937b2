"""Synthetic voices: espeak-ng's own and randomly drawn ones, some kept out of training."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["ACCENTS", "FRESH", "Voice", "fresh", "lay_out", "redefine", "voices"]

ACCENTS = {"fr": ("fr", "fr-be", "fr-ch"), "en": ("en-us", "en-gb", "en-gb-x-rp", "en-gb-scotland")}
"""Voices of espeak-ng for each language. The accents of French differ in words and melody."""

_DRAWN = 230
"""With its 100 stock variants espeak-ng holds no more than 349 voices."""

_UNSEEN_SHARE = 9
"""One voice of so many is kept out of training, drawn ones and stock ones alike."""

FRESH = "fresh"
"""The name of what `redefine` makes anew."""

_MOVED = {"breath", "consonants", "echo", "formant", "pitch", "stressLength", "tone", "voicing"}

_NO_SPEAKERS = {"whisper", "whisperf", "Demonic", "Mr serious", "Tweaky", "fast"}
"""Stock variants that nobody would take for a caller."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A variant of espeak-ng: a stock one, or one that `definition` describes."""

    name: str
    definition: str | None
    unseen: bool


@cache
def voices(seed: int = 1) -> tuple[Voice, ...]:
    """Every voice; the same for the same seed."""
    chance = random.Random(f"voices {seed}")
    stock = sorted(_stock() - _NO_SPEAKERS)
    chance.shuffle(stock)
    named = [Voice(name, None, index % _UNSEEN_SHARE == 0) for index, name in enumerate(stock)]
    drawn = [
        Voice(f"drawn{index}", _draw(f"drawn{index}", chance), index % _UNSEEN_SHARE == 0)
        for index in range(_DRAWN)
    ]
    return (*named, *drawn)


def lay_out(folder: Path, definitions: Sequence[Voice], language: str) -> Path:
    """A data folder for espeak-ng in `folder`: its own files by link, one language, these voices.

    Existing files are left as they are. The folder's path must be shorter than 140 characters.
    """
    own = _data()
    data = folder / "espeak-ng-data"
    variants = data / "voices" / "!v"
    variants.mkdir(parents=True, exist_ok=True)
    for entry in own.iterdir():
        if entry.is_file():
            _link(entry, data / entry.name)
    for entry in (own / "lang").rglob("*"):
        if entry.is_file() and entry.name.lower().split("-")[0] in {language, "en"}:
            target = data / "lang" / entry.relative_to(own / "lang")
            target.parent.mkdir(parents=True, exist_ok=True)
            _link(entry, target)
    for voice in definitions:
        target = variants / voice.name
        if voice.definition is None:
            _link(own / "voices" / "!v" / voice.name, target)
        elif not target.exists():
            target.write_text(voice.definition, "ascii")
    return data


def fresh(voice: Voice, chance: random.Random) -> str:
    """The definition of a voice of the same kind as `voice` that was never there: a drawn one is
    drawn anew, a stock one has its numbers moved a little."""
    if voice.definition is not None:
        return _draw(FRESH, chance)
    moved = []
    for line in (_data() / "voices" / "!v" / voice.name).read_text("utf-8").splitlines():
        words = line.split("//")[0].split()
        if not words or words[0] in {"name", "language", "variant"}:
            continue
        if words[0] in _MOVED:
            fixed = 2 if words[0] == "formant" else 1  # a formant's number
            words[fixed:] = [_moved(word, chance) for word in words[fixed:]]
        moved.append(" ".join(words))
    return "\n".join(["language variant", f"name {FRESH}", *moved]) + "\n"


def _moved(number: str, chance: random.Random) -> str:
    whole = number.lstrip("-").isdecimal()
    return str(round(int(number) * chance.gauss(1, 0.06))) if whole else number


def redefine(data: Path, definition: str) -> None:
    """Make `FRESH` the voice of `definition` in a folder of `lay_out`, which must have been laid
    out with it. espeak-ng reads it the next time that a voice is chosen."""
    (data / "voices" / "!v" / FRESH).write_text(definition, "ascii")


def _link(source: Path, target: Path) -> None:
    if not target.exists():
        target.symlink_to(source.resolve())


def _data() -> Path:
    import espeakng_loader

    return Path(espeakng_loader.get_data_path())


def _stock() -> set[str]:
    return {path.name for path in (_data() / "voices" / "!v").iterdir()}


def _draw(name: str, chance: random.Random) -> str:
    """A voice file (espeak-ng, docs/voices.md): vocal tract, glottis, melody and noise by chance.

    The length of the vocal tract moves all formants together, an accent each by itself.
    """
    high = chance.random() < 0.5
    tract = chance.gauss(112 if high else 98, 9)
    low_hz = chance.uniform(120, 210) if high else chance.uniform(65, 125)
    tilt = chance.gauss(0, 12)
    lines = [
        "language variant",
        f"name {name}",
        f"pitch {low_hz:.0f} {low_hz * chance.uniform(1.05, 1.9):.0f}",
    ]
    for formant in range(9):
        freq = min(145, max(75, tract + chance.gauss(0, 5)))
        height = max(25, 68 + chance.gauss(0, 12) + tilt * (formant - 3) / 4)
        width = max(50, chance.gauss(115, 35))
        lines.append(f"formant {formant} {freq:.0f} {height:.0f} {width:.0f}")
    lines += [
        f"flutter {chance.randint(0, 20)}",
        f"roughness {chance.randint(0, 6)}",
        f"voicing {chance.randint(60, 140)}",
        f"consonants {chance.randint(60, 170)} {chance.randint(60, 170)}",
        "stressLength " + " ".join(str(int(chance.gauss(180, 25))) for _ in range(8)),
        "stressAmp " + " ".join(str(chance.randint(12, 24)) for _ in range(8)),
    ]
    if chance.random() < 0.5:
        heights = (chance.randint(0, 25) for _ in range(8))
        lines.append("breath " + " ".join(map(str, heights)))
    if chance.random() < 0.35:
        lines.append(f"echo {chance.randint(20, 150)} {chance.randint(5, 25)}")
    if chance.random() < 0.3:
        lines.append(f"klatt {chance.randint(1, 5)}")
    if chance.random() < 0.5:
        tone = (
            f"tone {chance.randint(300, 900)} {chance.randint(100, 255)} "
            f"{chance.randint(1200, 2500)} {chance.randint(60, 255)} 5000 {chance.randint(20, 200)}"
        )
        lines.append(tone)
    return "\n".join(lines) + "\n"
