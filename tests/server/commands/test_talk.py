"""`palabre talk` as it is typed, against the real server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from server.cli import app

pytestmark = pytest.mark.integration

TALK = (sys.executable, "-m", "server", "talk")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--url", "http://127.0.0.1:1/media"], "no ws:// or wss:// address"),
        (["--wav", "a.wav", "--mic"], "either --wav or --mic"),
        (["--wav", "/nowhere/a.wav"], "cannot be read: No such file"),
        (["--scenario", "nothing"], "no scenario 'nothing'"),
        (["--url", "ws://127.0.0.1:1/media", "--scenario", "bench"], "--wav"),
        (["--url", "ws://127.0.0.1:1/media", "--lang", "xx"], "does not speak 'xx'"),
    ],
)
def test_wrong_usage_exits_with_2(tmp_path: Path, arguments: list[str], says: str) -> None:
    result = CliRunner().invoke(app, ["talk", "--out", str(tmp_path), *arguments])
    assert result.exit_code == 2
    assert says in " ".join(result.output.replace("│", " ").split())


def test_a_folder_that_cannot_be_made_exits_with_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["talk", "--out", str(tmp_path / "file" / "talk")])
    assert result.exit_code == 2
    assert "choose another folder with --out" in result.output


def test_a_server_that_is_not_there_exits_with_1(tmp_path: Path) -> None:
    arguments = ["talk", "--out", str(tmp_path), "--url", "ws://127.0.0.1:1/media"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 1
    assert "start a server with `palabre serve`" in result.output


def test_a_short_call_is_answered_and_leaves_its_account(tmp_path: Path) -> None:
    done = subprocess.run(
        [*TALK, "--quick", "--seed", "1", "--out", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "(interrupts)" in done.stdout
    document = json.loads((tmp_path / "ledger.json").read_text())
    assert document["seed"] == 1
    assert [one["kind"] for one in document["said"]] == [
        "backchannel",
        "answer",
        "answer",
        "interruption",
    ]
    answered = [turn for turn in document["turns"] if "heard_ms" in turn]
    assert len(answered) >= 2
    for turn in answered:
        assert sum(turn["spans"].values()) == pytest.approx(turn["gap_ms"], abs=0.01)
    assert document["backchannels"][0]["resumed"]
    with wave.open(str(tmp_path / "call.wav"), "rb") as file:
        assert file.getnchannels() == 2
        assert 10 < file.getnframes() / file.getframerate() < 60
    ET.parse(tmp_path / "waterfall.svg")
    assert "demo recogniser" in (tmp_path / "waterfall.svg").read_text()
    assert "palabre models fetch" in document["server"]["notice"]


def test_ctrl_c_hangs_up_and_ends_the_server(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [*TALK, "--out", str(tmp_path)], stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert process.stdout is not None
    with process, process.stdout:
        for line in process.stdout:
            if "ENGINE" in line:
                break
        time.sleep(0.3)
        (child,) = _children(process.pid)
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait(15) == 130
    assert "stopped" in rest
    assert (tmp_path / "call.wav").exists()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return found
