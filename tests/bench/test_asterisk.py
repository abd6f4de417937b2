from pathlib import Path

import pytest

from bench.asterisk import Asterisk, AsteriskMissing, Ports, home, running
from bench.errors import BenchError
from tests.asterisk import asterisk, asterisk_home, asterisk_instance

__all__ = ["asterisk", "asterisk_home", "asterisk_instance"]


def test_without_the_shared_files_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(AsteriskMissing, match="there is no"):
        home(shared=tmp_path)


def test_a_setup_that_fails_is_told_with_its_last_words(tmp_path: Path) -> None:
    setup = tmp_path / "setup.sh"
    setup.write_text("#!/bin/sh\necho one; echo no archive >&2; exit 3\n")
    setup.chmod(0o755)
    with pytest.raises(AsteriskMissing, match=r"setup\.sh failed: no archive"):
        home(tmp_path / "cache", shared=tmp_path)


def test_a_setup_runs_once(tmp_path: Path) -> None:
    setup = tmp_path / "setup.sh"
    setup.write_text('#!/bin/sh\ntouch "$1/.ok-sid"\n')
    setup.chmod(0o755)
    cache = tmp_path / "cache"
    assert home(cache, shared=tmp_path) == cache
    setup.write_text("#!/bin/sh\nexit 1\n")
    assert home(cache, shared=tmp_path) == cache


def test_free_ports_are_six_different_ones() -> None:
    ports = Ports.free()
    assert len({getattr(ports, name) for name in Ports.__slots__}) == 6


@pytest.mark.integration
def test_it_runs_with_what_is_changed(asterisk_home: Path, tmp_path: Path) -> None:
    with running(
        tmp_path / "run",
        files={"extensions.conf": "[from-sip]\nexten => 7,1,Answer()\n"},
        changes={"asterisk.conf": lambda text: text.replace("= palabre", "= another")},
        cache=asterisk_home,
    ) as asterisk:
        assert "Answer()" in asterisk.cli("dialplan show from-sip")
        assert asterisk.ari("/asterisk/info")["config"]["name"] == "another"
        assert asterisk.left() == []
        with pytest.raises(BenchError, match="ARI answered 404 to GET /nothing"):
            asterisk.ari("/nothing")
        pid = asterisk.pid
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.integration
def test_one_that_cannot_start_says_why(asterisk_home: Path, tmp_path: Path) -> None:
    with (
        pytest.raises(BenchError, match="instead of starting"),
        running(
            tmp_path / "run",
            files={"modules.conf": "[modules]\nautoload=no\nrequire=nothing.so\n"},
            cache=asterisk_home,
        ),
    ):
        pass


@pytest.mark.integration
def test_the_sessions_instance_is_22(asterisk: Asterisk) -> None:
    assert asterisk.ari("/asterisk/info")["system"]["version"].startswith("22.")
    assert "fully booted" in asterisk.cli("core waitfullybooted")
    assert asterisk.uri("100") == f"sip:100@127.0.0.1:{asterisk.ports.sip}"
