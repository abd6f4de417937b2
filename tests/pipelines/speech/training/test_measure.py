from __future__ import annotations

import pytest

from pipelines.speech.training.measure import errors


@pytest.mark.parametrize(
    ("said", "heard", "wrong"),
    [
        ("", "", 0),
        ("oui", "oui", 0),
        ("oui", "", 1),
        ("", "oui non", 2),
        ("je voudrais un livret", "je veux un livret", 1),
        ("un deux trois", "deux trois quatre", 2),
    ],
)
def test_errors_are_words_changed_left_out_or_put_in(said: str, heard: str, wrong: int) -> None:
    assert errors(said.split(), heard.split()) == wrong
