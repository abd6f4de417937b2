"""What outlives a test is found, by kind; what was there before it is left alone."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

SAMPLE = """
import asyncio, socket, subprocess, sys, threading
import pytest, pytest_asyncio

kept = []

@pytest.fixture(scope="module")
def wider():
    with socket.socket() as held:
        yield held

def test_clean(wider):
    with socket.socket():
        pass

async def nap():
    await asyncio.sleep(60)

def test_task_of_a_run():
    async def main():
        kept.append(asyncio.create_task(nap()))
    asyncio.run(main())

@pytest.mark.asyncio
async def test_task():
    kept.append(asyncio.create_task(nap()))

@pytest_asyncio.fixture
async def tidy():
    task = asyncio.create_task(nap())
    yield
    task.cancel()
    await asyncio.wait({task})

@pytest.mark.asyncio
async def test_tidy_fixture(tidy):
    await asyncio.to_thread(print)

@pytest.mark.parametrize("daemon", [False, True])
def test_thread(daemon):
    stop = threading.Event()
    threading.Thread(target=stop.wait, args=(3,), daemon=daemon).start()

def test_thread_that_is_ending():
    threading.Thread(target=threading.Event().wait, args=(0.05,)).start()

def test_socket():
    kept.append(socket.socket())

def test_child():
    kept.append(subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE))

def test_end():
    kept.pop().communicate()
    kept.pop().close()
"""


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    sample = tmp_path_factory.mktemp("leaks") / "test_sample.py"
    sample.write_text(SAMPLE)
    options = ["-q", "-rA", "-c", str(sample.with_name("none.ini")), "-p", "no:cacheprovider"]
    sample.with_name("none.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope=function")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", *options, str(sample)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    found: dict[str, list[str]] = {}
    for outcome, name in re.findall(r"^(PASSED|FAILED|ERROR) \S+::(\S+)", run.stdout, re.MULTILINE):
        found.setdefault(name, []).append(outcome)
    return found


@pytest.mark.parametrize(
    "name", ["test_clean", "test_tidy_fixture", "test_thread_that_is_ending", "test_end"]
)
def test_what_is_tidy_passes(outcomes: dict[str, list[str]], name: str) -> None:
    assert outcomes[name] == ["PASSED"]


@pytest.mark.parametrize(
    "name", ["test_task", "test_thread[False]", "test_thread[True]", "test_socket", "test_child"]
)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_what_outlives_its_test_is_an_error(outcomes: dict[str, list[str]], name: str) -> None:
    assert outcomes[name] == ["PASSED", "ERROR"]


def test_a_task_that_outlives_its_own_run_fails_the_test(outcomes: dict[str, list[str]]) -> None:
    assert outcomes["test_task_of_a_run"] == ["FAILED"]
