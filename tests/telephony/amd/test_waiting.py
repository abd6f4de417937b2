from telephony.amd.waiting import Waiting


def test_a_voicemail_that_is_silent_records() -> None:
    waiting = Waiting(10.0)
    assert waiting.over(11.0, 0.2) == ""
    assert waiting.over(14.0, 2.9) == ""
    assert waiting.over(14.1, 3.0) == "silence"


def test_silence_from_before_does_not_count() -> None:
    assert Waiting(10.0).over(10.5, 8.0) == ""


def test_patience_has_an_end() -> None:
    assert Waiting(10.0).over(54.9, 0.0) == ""
    assert Waiting(10.0).over(55.0, 0.0) == "patience"
    assert Waiting(10.0, patience_s=5.0).over(15.0, 0.0) == "patience"
