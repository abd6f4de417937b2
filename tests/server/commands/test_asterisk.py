import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bench.asterisk import Asterisk
from server.cli import app
from tests.asterisk import asterisk, asterisk_home, asterisk_instance

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]


def _run(*arguments: str, **env: str) -> tuple[int, str]:
    environment = {f"PALABRE_{name.upper()}": value for name, value in env.items()}
    result = CliRunner().invoke(app, ["asterisk", *arguments], env=environment)
    return result.exit_code, result.output


def test_the_configuration_is_printed_from_the_settings() -> None:
    code, printed = _run(
        "config",
        ari_url="http://10.0.0.7:8088/ari",
        ari_password="chosen",
        ari_app="answers",
        numbers='{"+33199000001": "leads"}',
    )
    assert code == 0
    assert "password = chosen\n" in printed
    assert "exten => +33199000001,1,Stasis(answers,inbound,${EXTEN})\n" in printed
    assert "websocket_client.conf" not in printed


def test_by_the_dialplan_alone(tmp_path: Path) -> None:
    out = tmp_path / "etc"
    code, printed = _run(
        "config", "--dialplan", "--engine", "ws://10.0.0.5:8080", "--out", str(out)
    )
    assert code == 0
    names = ["websocket_client.conf", "extensions.conf", "pjsip.conf", "modules.conf"]
    assert printed.split() == [str(out / name) for name in names]
    assert "uri = ws://10.0.0.5:8080/media\n" in (out / "websocket_client.conf").read_text()


def test_settings_that_cannot_be_printed_are_named() -> None:
    code, told = _run("config", ari_url="pbx:8088")
    assert code == 2
    assert "palabre asterisk config: ari_url is 'pbx:8088'" in told


def test_an_asterisk_that_is_not_there_is_something_to_change() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/ari"
        code, told = _run("check", ari_url=url)
    assert code == 1
    assert told.startswith("change  nothing answers at")


@pytest.mark.integration
def test_an_asterisk_that_is_ready(asterisk: Asterisk) -> None:
    code, told = _run(
        "check", ari_url=asterisk.ari_url, ari_password=asterisk.ari_password, ari_app="nobody"
    )
    assert code == 0, told
    assert "ok      sound passes in and out of Asterisk" in told
