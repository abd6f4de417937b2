import os

import pytest

from bench.errors import BenchError
from bench.machine import Noise, choose_cores, describe
from bench.proc import CoreTimes


def noise(**changes: float) -> Noise:
    shares = {
        "server_core_before": 0.0,
        "server_core_others": 0.0,
        "server_core_steal": 0.0,
        "client_core_others": 0.0,
        "client_core_steal": 0.0,
    }
    return Noise(**{**shares, **changes})


def test_others_are_what_the_process_did_not_use() -> None:
    measured = Noise.measured(
        before_percent=1.0,
        server_core=CoreTimes(5.0, 4.0, 1.0),
        server_cpu_s=4.0,
        client_core=CoreTimes(2.0, 8.0, 0.0),
        client_cpu_s=2.1,
        window_s=10.0,
    )
    assert measured.server_core_others == pytest.approx(10.0)
    assert measured.server_core_steal == pytest.approx(10.0)
    assert measured.client_core_others == 0.0
    assert measured.polluted
    assert measured.worst == pytest.approx(10.0)


def test_a_load_before_the_row_alone_does_not_spoil_it() -> None:
    assert not noise(server_core_before=80.0).polluted
    assert noise(client_core_steal=6.0).polluted
    assert noise().as_json()["polluted"] is False


def test_cores_are_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 3})
    assert choose_cores(None, None) == (0, 1)
    assert choose_cores(1, None) == (1, 0)
    assert choose_cores(None, 0) == (1, 0)
    assert choose_cores(3, 1) == (3, 1)
    for server, client in ((1, 1), (2, 0)):
        with pytest.raises(BenchError, match="--server-core"):
            choose_cores(server, client)


def test_one_core_is_not_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    with pytest.raises(BenchError, match="core each"):
        choose_cores(None, None)


def test_a_machine_is_described_with_its_versions() -> None:
    machine = describe(("pytest", "no-such-package-here"))
    versions = machine["versions"]
    assert isinstance(versions, dict)
    assert versions["pytest"]
    assert versions["no-such-package-here"] is None
    assert {"date", "command", "cpu", "cores", "load_before", "python", "kernel"} <= set(machine)
