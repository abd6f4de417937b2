import pytest

from bench.turn_taking import rig
from bench.turn_taking.callers import CONDITIONS


@pytest.mark.integration
def test_simulated_calls_are_judged_as_real_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rig, "MINUTES", 0.5)
    found = rig.rows(CONDITIONS[:1], 1, 1)
    assert found.keys() == {"clean"}
    assert found["clean"].response_ms
    assert rig.rows(CONDITIONS[:1], 1, 1) == found
