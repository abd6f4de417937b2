"""Logs: one JSON object a line, whoever writes it, and nobody's words."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from server.log import set_up


@pytest.fixture(autouse=True)
def put_back() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.captureWarnings(False)
    structlog.reset_defaults()
    root.handlers, root.level = handlers, level


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_one_object_a_line_from_us_and_from_libraries(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", as_json=True)
    structlog.get_logger().info("server.ready", url="http://é/")
    structlog.get_logger().debug("nobody asked")
    logging.getLogger("a.library").warning("Invalid %s\nreceived", "request")
    logging.getLogger("websockets").info("< TEXT 'oui'")
    ours, theirs = lines(capsys)
    assert (ours["event"], ours["level"], ours["url"]) == ("server.ready", "info", "http://é/")
    assert (theirs["event"], theirs["logger"]) == ("Invalid request\nreceived", "a.library")


def test_a_record_of_a_call_has_the_fields_of_reports(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("info", as_json=True)
    structlog.get_logger().bind(call_id="ab").info("call.started")
    structlog.get_logger().bind(call_id="ab").info("turn", intent="yes", latency_ms=3.5)
    started, turn = lines(capsys)
    assert (started["intent"], started["confidence"], started["latency_ms"]) == (None, None, None)
    assert (turn["intent"], turn["latency_ms"]) == ("yes", 3.5)


@pytest.mark.parametrize("as_json", [True, False])
def test_a_traceback_shows_no_local_variables(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    def hear(text: str) -> None:
        raise ZeroDivisionError(len(text))

    words = ["le", "mot", "secret"]

    set_up("info", as_json=as_json)
    try:
        hear(" ".join(words))
    except ZeroDivisionError:
        structlog.get_logger().exception("call.failed", call_id="ab")
        logging.getLogger("asyncio").exception("a tick failed")
    written = capsys.readouterr().err
    assert "le mot secret" not in written
    assert written.count("ZeroDivisionError") >= 2
    if as_json:
        assert len([json.loads(line) for line in written.splitlines()]) == 2


def test_people_read_lines(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("warning", as_json=False)
    structlog.get_logger().info("server.ready")
    structlog.get_logger().warning("server.calls_ended", calls=2)
    assert "server.calls_ended" in (written := capsys.readouterr().err)
    assert "calls=2" in written
    assert "server.ready" not in written
