"""Worker processes end with whoever started them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pipelines.workers import pool

PARENT = """
import os, time
from pipelines.workers import pool

if __name__ == "__main__":
    with pool(1) as workers:
        print(workers.submit(os.getpid).result(), flush=True)
        workers.submit(time.sleep, 60).result()
"""


def _threads() -> int:
    from threadpoolctl import threadpool_info

    return max(int(library["num_threads"]) for library in threadpool_info())


@pytest.mark.integration
def test_a_worker_has_a_thread_of_its_own() -> None:
    with pool(1) as workers:
        assert workers.submit(os.getpid).result() != os.getpid()
        assert workers.submit(_threads).result() == 1


@pytest.mark.integration
def test_a_worker_does_not_outlive_a_parent_that_was_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        os.kill(worker, 0)  # it is there
        parent.kill()
    deadline = time.monotonic() + 30
    while _runs(worker):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"
