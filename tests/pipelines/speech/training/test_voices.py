from __future__ import annotations

import random
from pathlib import Path

import pytest

from pipelines.speech.training.voices import FRESH, Voice, fresh, lay_out, redefine, voices


def test_the_same_voices_for_the_same_seed() -> None:
    assert voices(3) == voices(3)
    assert voices(3) != voices(4)


def test_some_of_both_kinds_are_kept_out() -> None:
    every = voices()
    assert len(every) + 5 < 349  # of espeak-ng, with the languages
    unseen = [voice for voice in every if voice.unseen]
    assert any(voice.definition for voice in unseen)
    assert any(voice.definition is None for voice in unseen)
    assert 0.08 < len(unseen) / len(every) < 0.15
    assert len({voice.name for voice in every}) == len(every)


def test_the_data_folder_has_one_language_and_these_voices(tmp_path: Path) -> None:
    chosen = voices()[-3:]
    data = lay_out(tmp_path, chosen, "fr")
    assert lay_out(tmp_path, chosen, "fr") == data
    assert (data / "phondata").exists()
    assert sorted(path.name for path in (data / "voices" / "!v").iterdir()) == sorted(
        voice.name for voice in chosen
    )
    languages = {
        path.name.lower().split("-")[0]
        for path in (data / "lang").rglob("*")
        if path.is_file() or path.is_symlink()
    }
    assert languages == {"fr", "en"}


def test_a_stock_voice_is_moved_a_little() -> None:
    stock = Voice("f3", None, unseen=False)
    one, other = (fresh(stock, random.Random(seed)).splitlines() for seed in (1, 2))
    assert one[:2] == other[:2] == ["language variant", f"name {FRESH}"]
    assert one != other
    pairs = list(zip(one[2:], other[2:], strict=True))
    assert any(line.startswith("formant") for line, _ in pairs)
    for line, beside in pairs:
        (kind, *numbers), (same, *others) = line.split(), beside.split()
        assert kind == same
        for a, b in zip(numbers, others, strict=True):
            assert a == b or float(b) == pytest.approx(float(a), rel=0.5, abs=2)


def test_a_drawn_voice_is_drawn_anew() -> None:
    drawn = voices()[-1]
    made = fresh(drawn, random.Random(1))
    assert made != drawn.definition
    assert made.splitlines()[:2] == ["language variant", f"name {FRESH}"]
    assert made == fresh(drawn, random.Random(1))


def test_the_voice_of_a_call_takes_the_place_of_the_last(tmp_path: Path) -> None:
    data = lay_out(tmp_path, [Voice(FRESH, "language variant\nname fresh\n", unseen=False)], "fr")
    redefine(data, "language variant\nname fresh\npitch 80 120\n")
    assert "pitch 80" in (data / "voices" / "!v" / FRESH).read_text("ascii")
