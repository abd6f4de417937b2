from __future__ import annotations

from pathlib import Path

from pipelines.speech.training.card import Facts, write_card


def test_the_card_says_what_it_is_and_what_it_is_not(tmp_path: Path) -> None:
    (tmp_path / "am").mkdir()
    (tmp_path / "am" / "final.mdl").write_bytes(bytes(2_340_000))
    rates = {"sentences, 16 kHz": 1.94, "short commands, 8 kHz mu-law": 2.5}
    write_card(tmp_path, Facts("fr", 15.96, 290, 37, 0.5, 620_000, 68, 1980, 6, 1, rates))
    card = (tmp_path / "MODEL_CARD.md").read_text("utf-8")
    for line in (
        "# vosk-fr-demo",
        "not for real callers",
        "| Size | 2.3 MB |",
        "| sentences, 16 kHz | 1.9 % |",
        "290 stock and randomly drawn variants, 37 more kept out, and for most calls",
        "16.0 h of speech",
        "heard 6 times",
        "| Human speech | none |",
    ):
        assert line in card, line
