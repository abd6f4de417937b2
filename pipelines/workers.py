"""Worker processes for what takes cores for minutes: one thread each, and none outlives who
started it, however that ended."""

from __future__ import annotations

import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.connection import wait

__all__ = ["pool"]


def pool(workers: int) -> ProcessPoolExecutor:
    """An executor of so many new processes, which begin as they are needed."""
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, initializer=_begin)


def _begin() -> None:
    import numpy  # noqa: F401  its threads can be limited once it is there
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()


def _end_with(sentinel: int) -> None:
    """Nothing else ends a worker whose parent was killed: it waits for work for ever."""
    wait([sentinel])
    os._exit(1)
