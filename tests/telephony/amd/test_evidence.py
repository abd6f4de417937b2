import json

import pytest

from telephony.amd.evidence import Beep, Evidence, Kind, Statement, Verdict


def test_what_makes_no_sense_cannot_be_said() -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        Statement("words", "", 0.0, {Kind.UNKNOWN: 1.0})
    with pytest.raises(ValueError, match="confidence"):
        Verdict(Kind.HUMAN, 1.2, 0.0, 0.0)


def test_a_verdict_and_a_beep_are_written_in_json() -> None:
    evidence = (Evidence("words", "“allo”", 0.911, 4.04),)
    verdict = Verdict(Kind.HUMAN, 0.98765, 5.0, 1.234, evidence)
    assert json.loads(json.dumps(verdict.as_json())) == {
        "verdict": "human",
        "confidence": 0.988,
        "took_s": 1.23,
        "evidence": [{"witness": "words", "says": "“allo”", "at_s": 0.91, "weight": 4.0}],
    }
    revised = Verdict(Kind.VOICEMAIL, 0.99, 9.0, 5.0, (), Kind.HUMAN)
    assert revised.as_json()["revises"] == "human"
    assert Beep(8.0, 0.4049, 999.7).as_json() == {"length_s": 0.4, "hz": 1000}
