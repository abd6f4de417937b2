"""`palabre chat` as a person or a script starts it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.integration


def chat(tmp_path: Path, typed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "server", "chat", *arguments],
        input=typed,
        cwd=ROOT,
        env={**os.environ, "PALABRE_CACHE_DIR": str(tmp_path), "PYTHONWARNINGS": "error"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_lines_of_a_pipe_are_answered_one_after_the_other(tmp_path: Path) -> None:
    ran = chat(tmp_path, "oui\nlivret a", "leads", "--verbose")
    assert (ran.returncode, ran.stderr) == (0, "")
    said = ran.stdout
    order = ["Bonjour", "you  oui", "Avez-vous un livret A", "you  livret a", "C'est noté"]
    places = [said.index(text) for text in order]
    assert places == sorted(places)
    assert "holds" in said
    assert said.rstrip().endswith("the conversation is over: caller")


def test_a_conversation_that_ends_leaves_the_rest_unread(tmp_path: Path) -> None:
    ran = chat(tmp_path, "non merci\nencore\n")
    assert ran.returncode == 0
    assert "encore" not in ran.stdout
    assert ran.stdout.rstrip().endswith("over: refused")


def test_an_unknown_scenario_is_refused(tmp_path: Path) -> None:
    ran = chat(tmp_path, "", "nothing")
    assert ran.returncode == 2
    assert "there are: bench, leads" in ran.stderr
