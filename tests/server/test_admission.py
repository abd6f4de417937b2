"""Admission: who may come, and when the last has gone."""

from __future__ import annotations

import pytest

from engine.errors import AdmissionError
from server.admission import MAX_STT_LAG_S, Admission
from tests.virtual import virtual


class Probes:
    lag_s = 0.0
    stt_lag_s = 0.0

    def admission(self, capacity: int = 0) -> Admission:
        return Admission(capacity, 0.015, lambda: self.lag_s, lambda: self.stt_lag_s)


def test_without_a_capacity_many_may_come() -> None:
    admission = Probes().admission()
    for _ in range(1000):
        admission.enter()
    assert admission.active == 1000


def test_a_full_server_refuses_until_one_leaves() -> None:
    admission = Probes().admission(2)
    admission.enter()
    admission.enter()
    with pytest.raises(AdmissionError, match="all 2 lines are busy; try again in 5 s") as caught:
        admission.enter()
    assert caught.value.retry_after_s == 5
    assert (admission.active, admission.refused) == (2, 1)
    admission.leave()
    admission.enter()


def test_a_late_loop_refuses() -> None:
    probes = Probes()
    admission = probes.admission()
    probes.lag_s = 0.015
    assert admission.obstacle() is None
    probes.lag_s = 0.016
    with pytest.raises(AdmissionError, match="16 ms behind"):
        admission.enter()
    probes.lag_s = 0.0
    admission.enter()


def test_late_recognition_refuses() -> None:
    probes = Probes()
    probes.stt_lag_s = MAX_STT_LAG_S
    assert probes.admission().obstacle() is None
    probes.stt_lag_s = MAX_STT_LAG_S + 0.02
    with pytest.raises(AdmissionError, match="recognition is 120 ms behind"):
        probes.admission().enter()


@virtual
async def test_a_draining_server_refuses_and_is_drained_when_the_last_call_left() -> None:
    admission = Probes().admission()
    await admission.drained()
    admission.enter()
    admission.enter()
    admission.draining = True
    with pytest.raises(AdmissionError, match="stopping"):
        admission.enter()
    admission.leave()
    assert not admission._empty.is_set()
    admission.leave()
    await admission.drained()
