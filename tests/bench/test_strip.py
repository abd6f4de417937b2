from xml.etree import ElementTree

from bench.strip import Strip, render

SVG = "{http://www.w3.org/2000/svg}"


def test_every_value_is_a_dot_and_the_percentiles_are_written() -> None:
    strips = [Strip("a <b>", "3 times", [60.0, 70.0, 240.0]), Strip("none", "0 times", [])]
    picture = ElementTree.fromstring(render("title", "sub", strips, limit=(150.0, "to reach")))
    dots = picture.findall(f"{SVG}circle")
    assert len(dots) == 3
    across = [float(dot.get("cx", "0")) for dot in dots]
    assert across == sorted(across)
    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert {"a <b>", "to reach", "70 / 240 ms", "none", "0 times"} <= set(texts)


def test_it_reads_on_dark_pages_and_keeps_within_its_frame() -> None:
    text = render("t", "s", [Strip("a", "", [1234.0])])
    assert "prefers-color-scheme:dark" in text
    picture = ElementTree.fromstring(text)
    width = float(picture.get("width", "0"))
    assert all(float(dot.get("cx", "0")) < width for dot in picture.findall(f"{SVG}circle"))
