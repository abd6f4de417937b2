from xml.etree import ElementTree

import pytest

from bench.plot import Axis, Panel, Point, Series, decade_ticks, render

SVG = "{http://www.w3.org/2000/svg}"


def test_a_logarithmic_axis_clamps() -> None:
    axis = Axis(1.0, 100.0, 0.0, 200.0)
    assert [axis.at(value) for value in (1.0, 10.0, 100.0)] == pytest.approx([0, 100, 200])
    assert axis.at(0.0) == 0.0
    assert axis.at(1e9) == 200.0


def test_ticks_thin_out_over_many_decades() -> None:
    assert decade_ticks(4.0, 120.0) == [5, 10, 20, 50, 100]
    assert decade_ticks(0.04, 300.0) == [0.1, 1, 10, 100]


def test_a_picture_is_xml_with_every_point_and_name() -> None:
    panel = Panel(
        "CPU <per> call",
        "calls",
        [
            Series("ours & theirs", "#123456", [Point(10, 0.0), Point(100, 30.0, hollow=True)]),
            Series("bound", "#654321", [Point(10, 2.0), Point(100, 29.0)], dashed=True),
        ],
        floor=0.1,
        limit=(20.0, "late"),
    )
    picture = ElementTree.fromstring(render("title", "sub", [panel]))
    assert len(picture.findall(f"{SVG}circle")) == 4
    texts = [element.text for element in picture.iter(f"{SVG}text")]
    assert {"CPU <per> call", "ours & theirs", "bound", "late"} <= set(texts)
    fills = [circle.get("fill") for circle in picture.findall(f"{SVG}circle")]
    assert fills.count("#ffffff") == 1


def test_names_of_lines_that_end_together_do_not_overlap() -> None:
    lines = [Series(name, "#000", [Point(1, 1.0), Point(9, 1.0)]) for name in ("a", "b", "c")]
    picture = ElementTree.fromstring(render("t", "s", [Panel("p", "x", lines, floor=0.1)]))
    heights = sorted(
        float(element.get("y", "0"))
        for element in picture.iter(f"{SVG}text")
        if element.text in {"a", "b", "c"}
    )
    assert heights[1] - heights[0] >= 15
    assert heights[2] - heights[1] >= 15


def test_an_empty_panel_says_so() -> None:
    assert "nothing measured" in render("t", "s", [Panel("p", "x", [], floor=1.0)])
