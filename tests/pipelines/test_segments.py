"""Which line stands where in a turn's sound, and what of it was heard."""

from pipelines.segments import Segments

SECOND = 32000


def test_lines_follow_one_another() -> None:
    lines = Segments()
    lines.begin("un deux trois quatre", question=False)
    lines.bytes += SECOND
    assert lines.close() == 1
    lines.begin("et cinq ?", question=True)
    lines.bytes += SECOND
    assert lines.close() == 2
    assert lines.close() is None
    assert (len(lines), lines.text(2)) == (2, "et cinq ?")
    assert lines.said(0) == ""
    assert lines.said(SECOND / 2) == "un deux"
    assert lines.said(SECOND * 1.5) == "un deux trois quatre et"
    assert lines.said(SECOND * 2) == "un deux trois quatre et cinq ?"


def test_a_line_that_is_still_made_counts_by_what_it_will_be() -> None:
    lines = Segments()
    lines.begin("dix caract", question=False)  # 0.6 s
    lines.bytes += SECOND // 4
    assert lines.said(SECOND / 4) == ""
    lines.bytes += SECOND // 4
    assert lines.said(SECOND / 2) == "dix"
    lines.bytes += SECOND
    assert lines.said(SECOND * 1.4) == "dix"


def test_a_question_can_be_answered_once_enough_of_it_was_heard() -> None:
    lines = Segments()
    assert not lines.in_question(0)
    lines.begin("Bien.", question=False)
    lines.bytes += SECOND
    lines.close()
    lines.begin("Oui ou non ?", question=True)
    lines.bytes += SECOND
    lines.close()
    assert [lines.in_question(SECOND * at) for at in (0.5, 1.2, 1.5, 2.0)] == [
        False,
        False,
        True,
        True,
    ]


def test_a_filler_comes_before_the_line_that_is_awaited() -> None:
    lines = Segments()
    lines.begin("Oui ou non ?", question=True)
    lines.fill("Alors…", SECOND)
    lines.bytes += SECOND
    lines.fill("Voyons…", SECOND)
    lines.bytes += SECOND
    lines.bytes += SECOND
    assert lines.close() == 3
    assert [lines.text(number) for number in (1, 2, 3)] == ["Alors…", "Voyons…", "Oui ou non ?"]
    assert lines.said(SECOND * 2) == "Alors… Voyons…"
    assert not lines.in_question(SECOND * 2.2)
    assert lines.in_question(SECOND * 2.5)


def test_lines_without_any_sound_are_forgotten() -> None:
    lines = Segments()
    lines.begin("…", question=False)
    assert lines.close() is None
    assert len(lines) == 0
