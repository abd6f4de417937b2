from __future__ import annotations

from pathlib import Path

from pipelines.speech.training.voices import lay_out, voices


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
