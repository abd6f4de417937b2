"""No task, thread, socket or child process outlives a test.

What a fixture of a wider scope holds was there before the test and is not counted.
"""

import asyncio
import gc
import os
import sys
import threading
import time
from asyncio import runners
from collections.abc import Iterator
from multiprocessing import resource_tracker

import pytest
from hypothesis import settings

# The same examples every time, and no deadline: a busy machine is no reason to fail.
settings.register_profile("palabre", derandomize=True, deadline=None)
settings.load_profile("palabre")

GRACE_S = 0.5
"""How long what was told to end may take: a thread's last lines, a child's reaping."""

_cancel_all_tasks = runners._cancel_all_tasks  # type: ignore[attr-defined]


def _refuse_leftover_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Stand in for the last step of every `asyncio.Runner`, which cancels leftovers silently."""
    left = [repr(task) for task in asyncio.all_tasks(loop)]
    _cancel_all_tasks(loop)
    if left:
        pytest.fail("outlive the test:\n  " + "\n  ".join(left), pytrace=False)


runners._cancel_all_tasks = _refuse_leftover_tasks  # type: ignore[attr-defined]


def _sockets() -> set[str]:
    found = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{descriptor}")
        except FileNotFoundError:  # the descriptor of this very listing
            continue
        if target.startswith("socket:"):
            found.add(f"{target} (descriptor {descriptor})")
    return found


def _children() -> set[str]:
    found: set[str] = set()
    for thread in os.listdir("/proc/self/task"):
        try:
            with open(f"/proc/self/task/{thread}/children") as pids:
                found.update(f"child process {pid}" for pid in pids.read().split())
        except FileNotFoundError:  # the thread ended, or the kernel does not tell
            continue
    return found


def _alive() -> set[threading.Thread | str]:
    threads: set[threading.Thread | str] = set(threading.enumerate())
    return threads | _sockets() | _children() if sys.platform == "linux" else threads


@pytest.fixture(scope="session", autouse=True)
def tracker() -> None:
    """Python's own helper of its process pools lives as long as the interpreter: it is no leftover
    of the test that happens to need it first."""
    resource_tracker.ensure_running()


@pytest.fixture(autouse=True)
def nothing_outlives_the_test() -> Iterator[None]:
    before = _alive()
    yield
    left = _alive() - before
    if not left:
        return
    gc.collect()  # an unclosed socket in a cycle is closed here, with its own warning
    deadline = time.monotonic() + GRACE_S
    while (left := _alive() - before) and time.monotonic() < deadline:
        time.sleep(0.005)
    if left:
        pytest.fail("outlive the test:\n  " + "\n  ".join(map(str, left)), pytrace=False)
