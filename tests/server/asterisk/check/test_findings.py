from typing import Any

import pytest

from server.asterisk.check.findings import (
    Finding,
    Level,
    of_application,
    of_clock,
    of_endpoint,
    of_modules,
    of_version,
)
from server.asterisk.modules import needed


@pytest.mark.parametrize(
    ("version", "level"),
    [
        ("22.10.1+dfsg+~cs6.17.60671434-1", Level.OK),
        ("22.8.0", Level.OK),
        ("22.7.9", Level.CHANGE),
        ("18.26.4", Level.CHANGE),
        ("23.1.0", Level.NOTE),
        ("GIT-22.9-abc", Level.OK),
        ("SVN-trunk", Level.NOTE),
    ],
)
def test_versions(version: str, level: Level) -> None:
    assert of_version(version).level == level


def _running(*, without: str = "", stopped: str = "") -> list[dict[str, Any]]:
    return [
        {
            "name": f"{module.name}.so",
            "status": "Not Running" if module.name == stopped else "Running",
        }
        for module in needed(ari=True)
        if module.name != without
    ]


def test_modules_that_are_missing_are_named_with_what_they_are_for() -> None:
    [fine] = of_modules(_running(), ari=True)
    assert fine.level == Level.OK
    for modules in (_running(without="chan_websocket"), _running(stopped="chan_websocket")):
        [missing] = of_modules(modules, ari=True)
        assert missing.level == Level.CHANGE
        assert missing.fact == "chan_websocket does not run: a call's sound over a WebSocket"
        assert "module load chan_websocket.so" in missing.do
    [without] = of_modules(_running(without="res_musiconhold"), ari=True)
    assert without.level == Level.NOTE
    [fine] = of_modules(_running(without="res_stasis"), ari=False)
    assert fine.level == Level.OK


@pytest.mark.parametrize(
    ("ahead_s", "level"),
    [(0.0, Level.OK), (-1.04, Level.OK), (1.2, Level.CHANGE), (-9.0, Level.CHANGE)],
)
def test_clocks(ahead_s: float, level: Level) -> None:
    assert of_clock(ahead_s, 0.05).level == level


def test_an_engine_that_is_not_connected_is_a_note() -> None:
    assert of_application([{"name": "palabre"}], "palabre").level == Level.OK
    assert of_application([{"name": "other"}], "palabre").level == Level.NOTE


GOOD = {"allow": "(ulaw|alaw|slin16|g722)", "direct_media": "false", "dtmf_mode": "rfc4733"}


def _endpoint(state: str | None = "online", **changed: str) -> list[Finding]:
    attributes = [
        {"attribute": name, "value": value} for name, value in {**GOOD, **changed}.items()
    ]
    return of_endpoint("trunk", state, attributes)


def test_an_endpoint_that_is_right() -> None:
    assert [finding.level for finding in _endpoint()] == [Level.OK]
    assert [finding.level for finding in of_endpoint("trunk", "unknown", None)] == [Level.OK]


@pytest.mark.parametrize(
    ("findings", "level", "do"),
    [
        (of_endpoint("trunk", None, None), Level.CHANGE, "PALABRE_ARI_ENDPOINT"),
        (_endpoint("offline"), Level.CHANGE, "pjsip show endpoint trunk"),
        (_endpoint(allow="(opus|g729)"), Level.CHANGE, "alaw or ulaw"),
        (_endpoint(direct_media="true"), Level.NOTE, "direct_media = no"),
        (_endpoint(dtmf_mode="inband"), Level.CHANGE, "dtmf_mode = rfc4733"),
    ],
)
def test_what_is_amiss_with_an_endpoint(findings: list[Finding], level: Level, do: str) -> None:
    last = findings[-1]
    assert last.level == level
    assert do in last.do
