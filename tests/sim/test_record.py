"""Recording: the same Vosk, fed as the gate feeds it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import SpeechError
from pipelines.speech.models import find_model
from scenarios.script import load
from server.sim import heard, record
from server.sim.voices import SCENARIO, pcm, prepare


def test_what_questions_lead_to_expect() -> None:
    phrases = record.expectations(load(SCENARIO))
    assert phrases
    assert all("oui" in expected for expected in phrases)


def test_a_checksum_is_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "am").mkdir()
    (tmp_path / "am" / "a").write_text("1")
    first = record.checksum(tmp_path)
    (tmp_path / "am" / "a").write_text("2")
    assert record.checksum(tmp_path) != first


@pytest.mark.integration
def test_vosk_hears_what_was_recorded(tmp_path: Path) -> None:
    import vosk

    vosk.SetLogLevel(-1)
    model = vosk.Model(str(find_model("fr", tmp_path).path))
    sound, lead_ms, audible_ms = record._heard("oui bien sûr", "fr+m1", "clean")
    made = record._open(model, sound, lead_ms)
    assert [word for word, *_ in made["words"]] == ["oui", "bien", "sûr"]
    assert made["words"][0][1] == pytest.approx(audible_ms, abs=80)
    assert made["interims"][-1][1] == "oui bien sûr"
    recorded = heard.load().of("oui bien sûr", "fr+m1", "clean")
    assert [word.text for word in recorded.words] == ["oui", "bien", "sûr"]


def test_a_model_that_is_none_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SpeechError, match="holds no model"):
        record.record(tmp_path, tmp_path / "out.json")


def test_voices_sound_the_same_every_time(tmp_path: Path) -> None:
    from server.sim.voices import _lines, _made

    first = _made(tmp_path)
    assert list(first) == _lines()
    assert _made(tmp_path) == first  # out of the cache
    assert first == dict(prepare())  # whatever this process spoke before
    assert pcm("oui", "fr+m1") == first["fr+m1", "oui"]
