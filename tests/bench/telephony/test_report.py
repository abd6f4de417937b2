import json
from pathlib import Path

from bench.machine import Noise
from bench.quiet import Quiet
from bench.stats import Summary
from bench.telephony.load import Chaos, Density
from bench.telephony.phases import Clearing, Greeting, Response
from bench.telephony.report import Results
from bench.telephony.sound import Reply

QUIET = Quiet(Noise(0.0, 1.0, 0.0, 1.0, 0.0), Summary.of([0.1]), 30.0, 40.0, 20.0)


def _results(
    *, more_ms: float = 20.0, after: int = 0, gaps: int = 0, left: tuple[str, ...] = ()
) -> Results:
    whole = [Reply(0.0, 3.0, 150, gaps, 4.0)] * 4
    return Results(
        response=Response([270.0 + more_ms] * 3, [270.0] * 3),
        greeting=Greeting([21.0, 40.0]),
        clearing=[Clearing(54.0, 700.0, after, 5.0)] * 2,
        density=Density(4, 0, whole, 0, 0, 1.0, 0.1, left, QUIET),
        chaos=Chaos(200, 100, 3, (7, 11, 4), 0.3, left, 0),
    )


def _missed(results: Results) -> list[str]:
    return [goal.what for goal in results.goals() if not goal.kept]


def test_what_is_as_it_should_be() -> None:
    assert not _missed(_results())
    assert not Results().goals()


def test_what_is_not_is_named() -> None:
    assert len(_missed(_results(more_ms=61.0))) == 2
    assert _missed(_results(after=1)) == [
        "interruptions without a packet of the old turn after the decision to clear"
    ]
    assert _missed(_results(gaps=1)) == ["frames beyond the lead, that is breaks in 4 replies"]
    assert len(_missed(_results(left=("channel PJSIP/trunk",)))) == 2


def test_it_is_written(tmp_path: Path) -> None:
    path = _results().write(tmp_path / "out", {"command": ["x"]})
    written = json.loads(path.read_text())
    assert written["response_ms"]["sip"] == [290.0] * 3
    assert written["density"]["quiet"]["disturbed"] is False
    assert all(goal["kept"] for goal in written["goals"])
