from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.errors import ConfigurationError
from pipelines.speech.hearing import Heard
from scenarios.script import load as load_script
from server.sim.heard import Part, Recording, Word, digest, final, interim, load
from server.sim.phrases import spoken
from server.sim.record import expectations
from server.sim.sounds import CONDITIONS, COUGHS
from server.sim.voices import OURS, SCENARIO, VOICES

SAID = Recording(
    (Word("oui", 50, 250, 0.9), Word("bien", 250, 400, 1.0), Word("sûr", 400, 800, 0.8)),
    ((250.0, "oui"), (450.0, "oui bonjour"), (600.0, "oui bien sûr")),
    {digest(("oui", "non")): Heard("oui", 0.95), digest(("faible",)): Heard("non", 0.2)},
)
MORE = Recording((Word("merci", 100, 500, 1.0),), ((550.0, "merci"),))


def whole(recording: Recording) -> Part:
    return Part(recording, -300.0, 5000.0)


def test_interims_are_what_was_recorded_by_then() -> None:
    said = [(at, interim([Part(SAID, -300.0, at)])) for at in (100.0, 300.0, 460.0, 900.0)]
    assert said == [(100.0, ""), (300.0, "oui"), (460.0, "oui bonjour"), (900.0, "oui bien sûr")]


def test_interims_of_what_was_cut_elsewhere_follow_the_words() -> None:
    assert interim([Part(SAID, 240.0, 560.0)]) == ""
    assert interim([Part(SAID, 240.0, 700.0)]) == "bien"


def test_a_cut_leaves_the_words_that_are_mostly_inside() -> None:
    assert final([Part(SAID, 200.0, 650.0)]) == Heard("bien sûr", 0.9)
    assert final([Part(SAID, -300.0, 330.0)]).text == "oui bien"
    assert final([Part(SAID, 900.0, 1000.0)]) == Heard("", None)


def test_what_follows_is_heard_after_it() -> None:
    assert final([whole(SAID), whole(MORE)]).text == "oui bien sûr merci"
    assert interim([whole(SAID), Part(MORE, -300.0, 600.0)]) == "oui bien sûr merci"


def test_a_choice_was_recorded_for_whole_sounds() -> None:
    assert final([whole(SAID)], ("oui", "non")).text == "oui"
    assert final([whole(SAID)], ("faible",)).text == "oui bien sûr"  # not sure, so as without
    assert final([Part(SAID, 200.0, 900.0)], ("oui", "non")).text == "bien sûr"
    assert final([whole(SAID)], ("never recorded",)).text == "oui bien sûr"


def test_everything_that_callers_say_was_recorded() -> None:
    recordings = load()
    script = load_script(SCENARIO)
    expected = {digest(phrases) for phrases in expectations(script)}
    for condition in CONDITIONS:
        for voice in VOICES:
            for text in spoken():
                assert expected <= set(recordings.of(text, voice, condition).choices), text
        for cough in COUGHS:
            recordings.of(cough, "", condition)
    for line in script.lines():
        recordings.of(line, OURS, "echo")
    assert len(recordings.about["sha256"]) == 64


def test_what_was_not_recorded_says_what_to_run() -> None:
    with pytest.raises(ConfigurationError, match="palabre sim --record"):
        load().of("inconnu", "fr", "clean")


def test_a_missing_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="palabre sim --record"):
        load(tmp_path / "none.json")
    (tmp_path / "made.json").write_text(
        json.dumps(
            {
                "about": {"model": "m"},
                "sounds": {"v|c|oui": {"words": [["oui", 0, 9, 1.0]], "interims": [[5, "oui"]]}},
            }
        )
    )
    assert load(tmp_path / "made.json").of("oui", "v", "c").words[0].text == "oui"
