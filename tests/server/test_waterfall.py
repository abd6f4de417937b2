"""Waterfalls are well-formed, and their bars add up."""

from __future__ import annotations

import itertools
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from server.waterfall import COLOURS, text_waterfall, turn_svg, turns_svg

SVG = "{http://www.w3.org/2000/svg}"


def ledger(turn: int = 2, heard: str = "oui bien sûr", **spans: float) -> dict[str, Any]:
    spans = spans or {
        "endpointing": 251.2,
        "transcription": 13.7,
        "understanding": 1.2,
        "speech": 2.3,
        "playout": 12.6,
    }
    gap_ms = sum(spans.values())
    over = {"speech": spans["speech"] - 150} if spans.get("speech", 0) > 150 else {}
    return {"turn": turn, "heard": heard, "spans": spans, "gap_ms": gap_ms, "over": over}


def bars(svg: str) -> list[ET.Element]:
    return [rect for rect in ET.fromstring(svg).iter(f"{SVG}rect") if "data-ms" in rect.attrib]


def end(bar: ET.Element) -> float:
    return float(bar.attrib["x"]) + float(bar.attrib["width"])


def test_the_bars_of_a_turn_follow_one_another_and_add_up() -> None:
    turn = ledger()
    drawn = bars(turns_svg([turn]))
    assert [bar.attrib["data-stage"] for bar in drawn] == list(turn["spans"])
    assert sum(float(bar.attrib["data-ms"]) for bar in drawn) == pytest.approx(turn["gap_ms"])
    for before, after in itertools.pairwise(drawn):
        assert end(before) == pytest.approx(float(after.attrib["x"]), abs=0.02)
    length = end(drawn[-1]) - float(drawn[0].attrib["x"])
    scale = float(drawn[0].attrib["width"]) / 251.2
    assert length / scale == pytest.approx(turn["gap_ms"], rel=1e-3)
    assert [bar.attrib["fill"] for bar in drawn] == [COLOURS[s] for s in turn["spans"]]


def test_every_turn_is_on_the_same_scale_within_the_picture() -> None:
    long = ledger(3, "non", endpointing=900.0, speech=700.0)
    svg = turns_svg([ledger(), long])
    drawn = bars(svg)
    scales = {
        round(float(bar.attrib["width"]) / float(bar.attrib["data-ms"]), 2)
        for bar in drawn
        if float(bar.attrib["data-ms"]) > 10
    }
    assert len(scales) == 1
    width = float(ET.fromstring(svg).attrib["width"])
    assert max(map(end, drawn)) < width


def test_what_a_caller_heard_is_drawn_and_over_budget_shows() -> None:
    svg = turns_svg([ledger(speech=990.0) | {"heard_ms": 1010.0}])
    assert "heard by the caller after 1010.0 ms" in svg
    assert 'class="value over"' in svg
    assert "budget 800 ms" in svg


def test_one_turn_has_a_row_for_each_stage() -> None:
    svg = turn_svg(ledger(speech=170.0))
    assert "170 ms from the caller's last sound to our first" in ET.fromstring(svg).itertext()
    assert len(bars(svg)) == 1


@pytest.mark.parametrize("heard", ["", "<b>&\"'", "un " * 40])
def test_any_words_make_a_well_formed_picture(heard: str) -> None:
    ET.fromstring(turns_svg([ledger(1, heard), ledger(2, heard)]))
    ET.fromstring(turn_svg(ledger(1, heard)))


def test_no_turn_is_a_picture_too() -> None:
    assert bars(turns_svg([])) == []


def test_text_shows_each_stage_where_it_lies() -> None:
    lines = text_waterfall(ledger(), width=40)
    assert lines[0] == f"endpointing    {'█' * 13}{' ' * 27}┊  251.2 ms"
    assert [line.split()[0] for line in lines] == list(ledger()["spans"])
    assert all("▏" in line for line in lines[2:4])


def test_text_says_what_is_over_and_keeps_its_width() -> None:
    late = ledger(endpointing=100.0, speech=1500.0)
    lines = text_waterfall(late, width=40)
    assert lines[1].endswith("1500.0 ms  +1350 over")
    assert max(line.count("█") for line in lines) <= 40
